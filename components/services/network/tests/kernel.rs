//! Orders carried out by the kernel of the host, in a network of its own (unshare(1)), and read back
//! from what the kernel shows of it.

use std::net::Ipv4Addr;
use std::process::{Command, ExitCode};
use std::time::Duration;

use tarsia_network::{Fixed, Interface, Keeper, Method, Netlink, Network, Origin};

/// `lo` stands for any interface: a network that was just made has no other.
fn inside() {
    let mut netlink = Netlink::open().expect("netlink");
    let lo = Interface::find("lo").expect("there is always one");
    assert_eq!(lo.hardware, [0; 6]);
    let routes = || std::fs::read_to_string("/proc/self/net/route").expect("shown");
    let addresses = || std::fs::read_to_string("/proc/self/net/fib_trie").expect("shown");
    let fixed = Fixed::parse("192.0.2.7/24", "192.0.2.1", "").expect("right");
    let gateway = Ipv4Addr::new(192, 0, 2, 1);
    let error =
        netlink.default_route(lo.index, gateway, false, Origin::Static).expect_err("it is down");
    assert!(error.to_string().starts_with("route by 192.0.2.1: "), "{error}");
    netlink.up(lo.index).expect("up");
    netlink.up(lo.index).expect("again");
    netlink.add(lo.index, &fixed, None).expect("added");
    netlink.add(lo.index, &fixed, None).expect("replaced");
    assert!(addresses().contains("192.0.2.7"));
    assert!(addresses().contains("192.0.2.255"), "broadcast");
    netlink.default_route(lo.index, gateway, false, Origin::Dhcp).expect("routed");
    netlink.default_route(lo.index, gateway, false, Origin::Dhcp).expect("again");
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
    leases(netlink, lo);
}

/// The routers by which everything goes, and whether the kernel shows the address.
fn shown(address: &str) -> (Vec<Ipv4Addr>, bool) {
    let routes = std::fs::read_to_string("/proc/self/net/route").expect("shown");
    let columns = routes.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let routers = columns.filter(|columns| columns[1] == "00000000").map(|columns| {
        let number = u32::from_str_radix(columns[2], 16).expect("a number");
        Ipv4Addr::from(number.to_ne_bytes())
    });
    let trie = std::fs::read_to_string("/proc/self/net/fib_trie").expect("shown");
    (routers.collect(), trie.contains(address))
}

/// What DHCP servers give, one lease after the other.
fn leases(netlink: Netlink, lo: Interface) {
    let folder = tempfile::tempdir().expect("a folder");
    let published = || {
        let text = std::fs::read_to_string(folder.path().join("state.json")).expect("published");
        serde_json::from_str::<Network>(&text).expect("JSON")
    };
    let mut keeper = Keeper::new(netlink, lo.clone(), Method::Dhcp, folder.path());
    let near = Fixed::parse("192.0.2.7/24", "192.0.2.1", "").expect("right");
    let [one, other] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
    let routers = |gateway: Option<Ipv4Addr>| Fixed { gateway, ..near.clone() };
    for gateway in [Some(one), Some(one), None, Some(one), Some(other)] {
        keeper.lease(routers(gateway), 3_600).expect("given");
        assert_eq!(shown("192.0.2.7"), (Vec::from_iter(gateway), true));
        assert_eq!(published().gateway, gateway);
    }
    // A router outside the network of one address is on the wire.
    let far = Ipv4Addr::new(198, 51, 100, 1);
    keeper.lease(Fixed { prefix: 32, ..routers(Some(far)) }, 3_600).expect("given");
    assert_eq!(shown("192.0.2.7"), (vec![far], true));
    // One that cannot be one: the address stays, and no router is published.
    keeper.lease(routers(Some(near.broadcast())), 3_600).expect("given");
    assert_eq!(shown("192.0.2.7"), (vec![], true));
    assert_eq!((published().gateway, published().address), (None, Some("192.0.2.7/24".to_owned())));
    // What a process left, the next takes away.
    keeper.lease(Fixed { prefix: 32, ..routers(Some(far)) }, 3_600).expect("given");
    let netlink = Netlink::open().expect("netlink");
    let mut next = Keeper::new(netlink, lo, Method::Dhcp, folder.path());
    next.turn(None).expect("taken away");
    assert_eq!(shown("192.0.2.7"), (vec![], false));
    // Renewed, it stays; then nobody renews it.
    next.lease(near.clone(), 2).expect("given");
    next.lease(near.clone(), 3_600).expect("renewed");
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(shown("192.0.2.7"), (vec![one], true));
    next.lease(near, 1).expect("renewed");
    for _ in 0..100 {
        // The route goes with the last address of an interface; here there is that of `lo`.
        if !shown("192.0.2.7").1 {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it outlives the lease: {:?}", shown("192.0.2.7"));
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
