#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#define configUSE_PREEMPTION      1
#define configMAX_PRIORITIES      ( 7 )
#define configTOTAL_HEAP_SIZE     ( ( size_t ) ( 96 * 1024 ) )
#define configMINIMAL_STACK_SIZE  ( ( unsigned short ) 130 )
#define configASSERT( x )         if( ( x ) == 0 ) { for( ;; ); }
#define portBYTE_ALIGNMENT        8

#endif
