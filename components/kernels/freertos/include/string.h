/* Stands in for a C library's header, which a bare-metal compiler need not have. The functions are
   in Rust's compiler_builtins. */
#include <stddef.h>

void * memcpy( void * to, const void * from, size_t bytes );
void * memset( void * to, int byte, size_t bytes );
