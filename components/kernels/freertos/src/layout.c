/* Checks what src/layout.rs says. */
#include "FreeRTOS.h"

_Static_assert( sizeof( StaticTask_t ) == 4 * TARSIA_TASK_WORDS, "TASK_WORDS in src/layout.rs" );
