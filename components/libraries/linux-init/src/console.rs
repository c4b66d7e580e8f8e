//! The console: where the lines of init and all processes go. Nothing that happens on it, at the other end
//! of its line or in a process, may hold init up.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use rustix::termios::{InputModes, OptionalActions, isatty, tcgetattr, tcsetattr};
use tarsia_process::say;

/// Opens the console and makes it the standard input, output and error of init: the kernel gives init
/// one only when the file was there before `/dev` was mounted.
pub(crate) fn take(path: &str) -> io::Result<()> {
    let console = open(path)?;
    rustix::stdio::dup2_stdin(&console)?;
    rustix::stdio::dup2_stdout(&console)?;
    rustix::stdio::dup2_stderr(&console)?;
    if let Err(error) = unstoppable(&console) {
        say(format_args!("failed to end flow control on the console: {error}; going on without"));
    }
    Ok(())
}

fn open(path: &str) -> io::Result<File> {
    File::options().read(true).append(true).custom_flags(libc::O_NOCTTY).open(path)
}

/// A terminal stops its output on the byte 0x13 until 0x11 comes (termios(3), IXON): one byte of noise
/// on the line, and init would wait in its next write for ever.
fn unstoppable(terminal: &File) -> io::Result<()> {
    if !isatty(terminal) {
        return Ok(());
    }
    let mut modes = tcgetattr(terminal)?;
    modes.input_modes -= InputModes::IXON | InputModes::IXOFF | InputModes::IXANY;
    Ok(tcsetattr(terminal, OptionalActions::Now, &modes)?)
}

/// The console for a process, to write only. It is opened anew: the flags of what is open, such as that
/// writes do not block, belong to all who share it, and a process must not change init's.
pub(crate) fn for_process(path: &str) -> io::Result<File> {
    File::options().append(true).custom_flags(libc::O_NOCTTY).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::io::{Read, Write};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn a_byte_on_the_line_does_not_stop_the_output() {
        let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY);
        let path = line.as_ref().ok().and_then(|line| {
            grantpt(line).and_then(|()| unlockpt(line)).ok()?;
            ptsname(line, Vec::new()).ok()?.into_string().ok()
        });
        let (Ok(line), Some(path)) = (line, path) else {
            println!("skipped, as there are no pseudoterminals here: the console");
            return;
        };
        let mut console = open(&path).expect("opened");
        unstoppable(&console).expect("set");
        let mut line = File::from(line);
        line.write_all(b"\x13").expect("sent");
        // It takes its way in the kernel's own time.
        std::thread::sleep(Duration::from_millis(100));
        let (told, tell) = channel();
        std::thread::spawn(move || {
            console.write_all(b"a line\n").expect("written");
            // What was sent may be echoed, anywhere between.
            let (mut read, mut bytes) = (Vec::new(), [0; 100]);
            while !String::from_utf8_lossy(&read).replace("^S", "").contains("a line\r\n") {
                let length = line.read(&mut bytes).expect("read");
                read.extend_from_slice(&bytes[..length]);
            }
            let _ = told.send(());
        });
        tell.recv_timeout(Duration::from_secs(10)).expect("it is not stopped");
    }

    #[test]
    fn a_console_need_not_be_a_terminal() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("console").display().to_string();
        std::fs::write(&path, "before\n").expect("written");
        let mut console = open(&path).expect("opened");
        unstoppable(&console).expect("there is nothing to set");
        console.write_all(b"init\n").expect("written");
        let mut process = for_process(&path).expect("opened");
        process.write_all(b"process\n").expect("written");
        process.read(&mut [0; 1]).expect_err("to write only");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "before\ninit\nprocess\n");
    }
}
