/* How FreeRTOS is configured. What differs between products (stacks, clock) is passed at run time by the
   generated root, so the kernel's C is compiled once; but for TARSIA_STACK_CHECK, see component.yaml. */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#include <stdint.h>

/* Defined in src/ */
extern uint32_t tarsia_freertos_clock_hz;
extern void tarsia_freertos_assertion_failed( const char * file, int line ) __attribute__( ( noreturn ) );

/* 32-bit words of the idle task's stack, which src/layout.rs has too. */
enum
{
    IDLE_STACK_WORDS =
#include "idle_stack_words.inc"
};

/* A service that never yields must not stop the others: they take turns, a tick each. */
#define configUSE_PREEMPTION                       1
#define configUSE_TIME_SLICING                     1
#define configUSE_PORT_OPTIMISED_TASK_SELECTION    1
#define configMAX_PRIORITIES                       2

#define configCPU_CLOCK_HZ                         tarsia_freertos_clock_hz
#define configTICK_RATE_HZ                         1000
#define configTICK_TYPE_WIDTH_IN_BITS              TICK_TYPE_WIDTH_32_BITS

/* Every byte has an owner that is known at link time: there is no heap. */
#define configSUPPORT_STATIC_ALLOCATION            1
#define configSUPPORT_DYNAMIC_ALLOCATION           0
#define configKERNEL_PROVIDED_STATIC_MEMORY        0
#define configMINIMAL_STACK_SIZE                   IDLE_STACK_WORDS
#define configMAX_TASK_NAME_LEN                    16

/* Services wait for notifications and for nothing else. */
#define configUSE_TASK_NOTIFICATIONS               1
#define configUSE_MUTEXES                          0
#define configUSE_TIMERS                           0
#define configUSE_EVENT_GROUPS                     0
#define configUSE_STREAM_BUFFERS                   0
#define configENABLE_BACKWARD_COMPATIBILITY        0
#define INCLUDE_vTaskSuspend                       1
#define INCLUDE_xTaskGetCurrentTaskHandle          1

#define configUSE_IDLE_HOOK                        1
#define configUSE_TICK_HOOK                        1
#define configCHECK_FOR_STACK_OVERFLOW             ( 2 * TARSIA_STACK_CHECK )

/* __FILE_NAME__ has no folder, so the image does not depend on where the sources are. */
#define configASSERT( x )    if( !( x ) ) tarsia_freertos_assertion_failed( __FILE_NAME__, __LINE__ )

/* The lowest priority, and the second highest of a chip with the fewest priority bits that Armv7-M
   allows (three). Interrupts of the highest priority must not call FreeRTOS: see src/kernel.rs. */
#define configKERNEL_INTERRUPT_PRIORITY            0xff
#define configMAX_SYSCALL_INTERRUPT_PRIORITY       0x20

/* cortex-m-rt's names in the vector table. */
#define vPortSVCHandler                            SVCall
#define xPortPendSVHandler                         PendSV
#define xPortSysTickHandler                        SysTick

#endif
