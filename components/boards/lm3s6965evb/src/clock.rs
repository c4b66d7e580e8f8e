//! 50 MHz from the 8 MHz crystal by the PLL, in the order that the LM3S6965 data sheet gives (chapter
//! System Control, Initialization and Configuration), and the clock gates.

use core::ptr::NonNull;

use safe_mmio::fields::{ReadPure, ReadPureWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

/// Address of system control (data sheet, chapter System Control, register map).
const SYSTEM_CONTROL: usize = 0x400f_e000;

#[repr(C)]
struct Registers {
    _000_04c: [u32; 20],
    /// 0x050 RIS: raw interrupt status.
    ris: ReadPure<u32>,
    _054_05c: [u32; 3],
    /// 0x060 RCC: run-mode clock configuration.
    rcc: ReadPureWrite<u32>,
    _064_0fc: [u32; 39],
    /// 0x100 RCGC0: clock gates of watchdog and ADC.
    rcgc0: ReadPureWrite<u32>,
    /// 0x104 RCGC1: clock gates of UARTs, SSI and timers.
    rcgc1: ReadPureWrite<u32>,
    /// 0x108 RCGC2: clock gates of GPIO ports.
    rcgc2: ReadPureWrite<u32>,
}

/// RIS: the PLL has locked.
const PLL_LOCKED: u32 = 1 << 6;

/// RCC: the PLL is off, its output is off, it is passed by; the main oscillator is off.
const PLL_OFF: u32 = 1 << 13;
const OUTPUT_OFF: u32 = 1 << 12;
const BYPASS: u32 = 1 << 11;
const MAIN_OSCILLATOR_OFF: u32 = 1;
/// RCC: the clock is divided, by SYSDIV + 1.
const USE_DIVISOR: u32 = 1 << 22;
const DIVISOR: u32 = 0xf << 23;
/// RCC: the 200 MHz of the PLL divided by 4.
const DIVIDE_BY_4: u32 = 3 << 23;
/// RCC: XTAL, the crystal's frequency, and OSCSRC, of which 0 is the main oscillator.
const CRYSTAL_AND_SOURCE: u32 = 0xf << 6 | 0x3 << 4;
const CRYSTAL_8_MHZ: u32 = 0xe << 6;

/// Until then the chip runs at 12 MHz or less from its internal oscillator: the crystal gets more
/// than 40 ms to settle, and the PLL more than a millisecond to lock.
const SETTLING: u32 = 500_000;
const LOCK_TRIES: u32 = 20_000;

/// RCGC0: watchdog (bit 3) and ADC (bit 16).
const WATCHDOG_AND_ADC: u32 = 1 << 3 | 1 << 16;
/// RCGC1: UART 0 (bit 0), SSI 0 (bit 4) and timer 0 (bit 16).
const UART0_SSI0_TIMER0: u32 = 1 << 0 | 1 << 4 | 1 << 16;
/// RCGC2: GPIO ports A, C and D.
const PORTS_A_C_D: u32 = 1 << 0 | 1 << 2 | 1 << 3;

/// Sets the clock and opens the gates.
pub(crate) fn init() {
    let registers = NonNull::new(SYSTEM_CONTROL as *mut Registers).expect("not at address 0");
    // SAFETY: system control of this board's chip; nothing else uses it.
    let mut system = unsafe { UniqueMmioPointer::new(registers) };

    let started = field!(system, rcc).read();
    let oscillator = (started | BYPASS) & !(USE_DIVISOR | MAIN_OSCILLATOR_OFF);
    field!(system, rcc).write(oscillator);
    wait(SETTLING);
    let pll = oscillator & !(CRYSTAL_AND_SOURCE | DIVISOR | PLL_OFF | OUTPUT_OFF)
        | CRYSTAL_8_MHZ
        | DIVIDE_BY_4
        | USE_DIVISOR;
    field!(system, rcc).write(pll);
    let locked = (0..LOCK_TRIES).any(|_| field_shared!(system, ris).read() & PLL_LOCKED != 0);
    assert!(locked, "the PLL does not lock");
    field!(system, rcc).write(pll & !BYPASS);

    field!(system, rcgc0).modify(|gates| gates | WATCHDOG_AND_ADC);
    field!(system, rcgc1).modify(|gates| gates | UART0_SSI0_TIMER0);
    field!(system, rcgc2).modify(|gates| gates | PORTS_A_C_D);
    // A peripheral can be used three clocks after its gate was opened.
    wait(3);
}

/// Lets at least this many clocks pass.
fn wait(clocks: u32) {
    for _ in 0..clocks {
        core::hint::spin_loop();
    }
}
