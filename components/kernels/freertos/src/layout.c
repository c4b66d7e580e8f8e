/* Checks what Rust and C both read from shared/. */
#include "FreeRTOS.h"

enum
{
    TASK_WORDS =
#include "task_words.inc"
};

_Static_assert( sizeof( StaticTask_t ) == 4 * TASK_WORDS, "shared/task_words.inc" );
