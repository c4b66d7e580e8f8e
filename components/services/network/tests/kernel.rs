//! Orders carried out by the kernel of the host, in a network of its own (unshare(1)), and read back
//! from what the kernel shows of it.

use std::net::Ipv4Addr;
use std::process::{Command, ExitCode};

use tarsia_network::{Fixed, Interface, Netlink, Origin};

/// `lo` stands for any interface: a network that was just made has no other.
fn inside() {
    let mut netlink = Netlink::open().expect("netlink");
    let lo = Interface::find("lo").expect("there is always one");
    assert_eq!(lo.hardware, [0; 6]);
    let routes = || std::fs::read_to_string("/proc/self/net/route").expect("shown");
    let addresses = || std::fs::read_to_string("/proc/self/net/fib_trie").expect("shown");
    let fixed = Fixed::parse("192.0.2.7/24", "192.0.2.1", "").expect("right");
    let gateway = Ipv4Addr::new(192, 0, 2, 1);
    let error = netlink.default_route(lo.index, gateway, Origin::Static).expect_err("it is down");
    assert!(error.to_string().starts_with("route by 192.0.2.1: "), "{error}");
    netlink.up(lo.index).expect("up");
    netlink.up(lo.index).expect("again");
    netlink.add(lo.index, &fixed).expect("added");
    netlink.add(lo.index, &fixed).expect("replaced");
    assert!(addresses().contains("192.0.2.7"));
    assert!(addresses().contains("192.0.2.255"), "broadcast");
    netlink.default_route(lo.index, gateway, Origin::Dhcp).expect("routed");
    netlink.default_route(lo.index, gateway, Origin::Dhcp).expect("again");
    // Columns: interface, destination, gateway; numbers as they lie in memory.
    let number = format!("{:08X}", u32::from_ne_bytes(gateway.octets()));
    let is_default = |line: &&str| {
        let columns: Vec<_> = line.split('\t').collect();
        columns[..3] == ["lo", "00000000", &number]
    };
    assert_eq!(routes().lines().filter(is_default).count(), 1, "{}", routes());
    netlink.remove(lo.index, &fixed).expect("removed");
    netlink.remove(lo.index, &fixed).expect("is not there");
    assert!(!addresses().contains("192.0.2.7"));
    assert_eq!(routes().lines().count(), 1, "only the heading: {}", routes());
    let error = netlink.up(99_999).expect_err("no such");
    assert!(error.to_string().starts_with("take interface 99999 into service: "), "{error}");
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("inside") => {
            inside();
            return ExitCode::SUCCESS;
        }
        Some("--list") => return ExitCode::SUCCESS,
        _ => {}
    }
    let program = std::env::current_exe().expect("known");
    let unshare = |program: &std::ffi::OsStr, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net"]).arg(program).args(args).status()
    };
    if !unshare("true".as_ref(), &[]).is_ok_and(|status| status.success()) {
        println!("skipped, as unshare(1) makes no network here: orders to the kernel");
        return ExitCode::SUCCESS;
    }
    let status = unshare(program.as_os_str(), &["inside"]).expect("started");
    assert!(status.success(), "inside: {status}");
    println!("test orders_to_the_kernel ... ok");
    ExitCode::SUCCESS
}
