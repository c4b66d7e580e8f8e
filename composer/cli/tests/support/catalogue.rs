//! The manifests of the tests' workspaces: two classes of devices, three boards, two kernels, and
//! what a sensor needs. Small, but each rule of the composer has something to act on.

/// Path and text of every file; products are up to the tests.
pub const FILES: &[(&str, &str)] = &[
    ("profiles/mini.yaml", MINI),
    ("profiles/small.yaml", SMALL),
    ("components/boards/cedar/component.yaml", CEDAR),
    ("components/boards/juniper/component.yaml", JUNIPER),
    ("components/boards/oak/component.yaml", OAK),
    ("components/kernels/single/component.yaml", SINGLE),
    ("components/kernels/tasks/component.yaml", TASKS),
    ("components/libraries/runtime/component.yaml", RUNTIME),
    ("components/drivers/tick/component.yaml", TICK),
    ("components/drivers/uart/component.yaml", UART),
    ("components/drivers/leaf-probe/component.yaml", LEAF_PROBE),
    ("components/drivers/converter/component.yaml", CONVERTER),
    ("components/drivers/light-sleep/component.yaml", LIGHT_SLEEP),
    ("components/services/log/component.yaml", LOG),
    ("components/services/readings/component.yaml", READINGS),
    ("components/services/keeper/component.yaml", KEEPER),
    ("components/services/uplink/component.yaml", UPLINK),
    ("components/libraries/sockets/component.yaml", SOCKETS),
];

/// A product without fault, on the catalogue above.
pub const FIELD_SENSOR: &str = "\
product: field-sensor
summary: Moisture of a leaf, sent every ten seconds.
version: 1.0.0
profile: mini
board: cedar
kernel: single
drivers: [leaf-probe]
services: [readings, keeper]
features:
  readings.period: 10s
budget: { flash: 128KiB, ram: 16KiB }
";

/// A product that changes one line of another.
pub const FIELD_SENSOR_TASKS: &str = "\
product: field-sensor-tasks
summary: The field sensor on the other kernel.
extends: field-sensor
kernel: tasks
";

/// What products can share.
pub const QUIET: &str = "\
fragment: quiet
summary: Few words on the console.
features: { log.level: error }
";

const MINI: &str = "\
profile: mini
summary: Microcontrollers without memory protection.
storage: { min: 32KiB, max: 16MiB }
ram: { min: 8KiB, max: 128KiB }
kernels: [single, tasks]
";

const SMALL: &str = "\
profile: small
summary: Application processors with some megabytes of RAM.
storage: { min: 8MiB, max: 256MiB }
ram: { min: 8MiB, max: 128MiB }
";

const CEDAR: &str = "\
component: cedar
layer: board
summary: Cortex-M3 board with 256 KiB of flash and 64 KiB of RAM.
licence: MIT OR Apache-2.0
classes: [mini]
arch: [armv7m]
provides:
  - { capability: hw.tick, with: { clock_hz: 50000000 } }
  - { capability: hw.uart, with: { base: 0x4000c000 } }
  - { capability: hw.converter, with: { base: 0x40038000 } }
board:
  arch: armv7m
  target: thumbv7m-none-eabi
  chip: CD3
  memory:
    flash: { base: 0x00000000, size: 256KiB }
    ram: { base: 0x20000000, size: 64KiB }
  emulator:
    program: qemu-system-arm
    package: qemu-system-arm
    args: [-machine, cedar, -kernel, \"{bin}\"]
";

const JUNIPER: &str = "\
component: juniper
layer: board
summary: RISC-V board with 512 KiB of flash and 16 KiB of RAM.
licence: MIT OR Apache-2.0
classes: [mini]
arch: [rv32imac]
provides:
  - { capability: hw.tick, with: { clock_hz: 10000000 } }
  - { capability: hw.uart, with: { base: 0x10013000 } }
board:
  arch: rv32imac
  target: riscv32imac-unknown-none-elf
  chip: JN1
  memory:
    flash: { base: 0x20400000, size: 512KiB }
    ram: { base: 0x80000000, size: 16KiB }
";

const OAK: &str = "\
component: oak
layer: board
summary: Application processor with 64 MiB of RAM.
licence: MIT OR Apache-2.0
classes: [small]
arch: [armv7a]
provides:
  - { capability: hw.tick, with: { clock_hz: 24000000 } }
  - { capability: hw.uart, with: { base: 0x10000000 } }
board:
  arch: armv7a
  target: armv7a-none-eabi
  chip: OK7
  memory:
    flash: { base: 0x00000000, size: 16MiB }
    ram: { base: 0x40000000, size: 64MiB }
";

const SINGLE: &str = "\
component: single
layer: kernel
summary: Services take turns on one stack.
licence: MIT OR Apache-2.0
provides: [services]
requires: [runtime, timer]
features:
  stack: { type: size, min: 1KiB, max: 64KiB, default: 2KiB, summary: Bytes kept for the stack. }
kernel: { template: main.rs.j2 }
";

const TASKS: &str = "\
component: tasks
layer: kernel
summary: Each service is a task with its own stack.
licence: MIT OR Apache-2.0
classes: [mini]
arch: [armv7m]
provides: [services]
requires: [runtime, timer]
kernel: { template: main.rs.j2 }
";

const RUNTIME: &str = "\
component: runtime
layer: library
summary: Entry and vectors.
licence: MIT OR Apache-2.0
provides: [runtime]
runtime: { linker-script: memory.x.j2, entry: \"#[entry]\" }
";

const TICK: &str = "\
component: tick
layer: driver
summary: The core's timer.
licence: MIT OR Apache-2.0
provides: [timer]
requires: [hw.tick]
";

const UART: &str = "\
component: uart
layer: driver
summary: Console on a serial port.
licence: MIT OR Apache-2.0
provides: [{ capability: console, share: mutex }]
requires: [hw.uart]
features:
  baud: { type: int, min: 1200, max: 921600, default: 115200, summary: Bits per second. }
budget: { flash: 1KiB, ram: 32 }
";

const LEAF_PROBE: &str = "\
component: leaf-probe
layer: driver
summary: Moisture probe on an analogue input.
licence: MIT OR Apache-2.0
provides: [{ capability: sensor, share: exclusive }]
requires: [adc]
features:
  channel: { type: int, min: 0, max: 3, default: 0, summary: Analogue input. }
";

const CONVERTER: &str = "\
component: converter
layer: driver
summary: Analogue inputs.
licence: MIT OR Apache-2.0
arch: [armv7m]
provides: [{ capability: adc, share: exclusive }]
requires: [hw.converter]
";

const LIGHT_SLEEP: &str = "\
component: light-sleep
layer: driver
summary: Stops the core's clock between ticks.
licence: MIT OR Apache-2.0
conflicts: [uart]
";

const LOG: &str = "\
component: log
layer: service
summary: Writes log records to the console.
licence: MIT OR Apache-2.0
provides: [log]
requires: [console]
features:
  level: { type: enum, values: [error, warn, info, debug], default: info, summary: Least level written. }
";

const READINGS: &str = "\
component: readings
layer: service
summary: Sends what the sensors measure.
licence: MIT OR Apache-2.0
requires:
  - { capability: sensor, many: true }
  - console
features:
  period: { type: duration, min: 100ms, max: 24h, default: 10s, summary: Time between two readings. }
  retries: { type: int, min: 0, max: 10, default: 3, summary: How often to send again. }
";

const KEEPER: &str = "\
component: keeper
layer: service
summary: Restarts services that ended.
licence: MIT OR Apache-2.0
requires: [services, log]
";

const UPLINK: &str = "\
component: uplink
layer: service
summary: Sends readings to a server.
licence: MIT OR Apache-2.0
requires: [network]
";

const SOCKETS: &str = "\
component: sockets
layer: library
summary: TCP and UDP for processors with the memory for it.
licence: MIT OR Apache-2.0
classes: [small]
provides: [network]
";
