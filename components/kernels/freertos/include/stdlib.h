/* Stands in for a C library's header, which FreeRTOS includes and a bare-metal compiler need not
   have. It needs nothing of it but `size_t`. */
#include <stddef.h>
