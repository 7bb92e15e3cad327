//! libvirt's library, opened when it is first needed: the command line does without it, and so does a host that has none.
//!
//! Linked in the usual way it would be read, with fifty libraries that it needs itself, whenever the process starts: 15 ms
//! of every `cloudbox vm list`. So `virt-sys` is not linked to it (`.cargo/config.toml` keeps it from that). The
//! functions that it declares are here: each jumps to where [`load`] has found the one of that name in the library.
//! Whoever calls another one adds its name to [`functions!`]; until then the linker says which is missing.
//!
//! [`load`] goes before the first call of any of them; one without it ends the process and says so.

#![expect(unsafe_code, reason = "a library is opened, and its functions are jumped to")]

use std::ffi::{CStr, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The library: its name has not changed since there is one.
const LIBRARY: &CStr = c"libvirt.so.0";

/// A function: its name, where it was found, and what jumps there.
struct Function {
    name: &'static CStr,
    place: &'static AtomicPtr<c_void>,
    /// Nobody reads it: it has the linker keep the one that libvirt's callers are bound to.
    _jump: unsafe extern "C" fn(),
}

/// Makes the functions of these names, and the table of them.
macro_rules! functions {
    ($($name:ident)*) => {
        /// What jumps, under the names that `virt-sys` declares.
        mod jumps {
            $(
                #[unsafe(naked)]
                #[unsafe(no_mangle)]
                // SAFETY: registers and stack are left as the caller has made them for a function of libvirt's own
                // signature, and it is that function that returns to the caller.
                pub unsafe extern "C" fn $name() {
                    #[cfg(target_arch = "x86_64")]
                    core::arch::naked_asm!("jmp qword ptr [rip + {}]", sym super::places::$name);
                    #[cfg(target_arch = "aarch64")]
                    core::arch::naked_asm!(
                        "adrp x16, {0}",
                        "ldr x16, [x16, #:lo12:{0}]",
                        "br x16",
                        sym super::places::$name
                    );
                }
            )*
        }

        /// Where each of them jumps.
        #[expect(non_upper_case_globals, reason = "libvirt's own names")]
        mod places {
            use super::*;

            $(
                pub static $name: AtomicPtr<c_void> = AtomicPtr::new(not_loaded as *mut c_void);
            )*
        }

        static FUNCTIONS: &[Function] = &[$(Function {
            // A name has no zero byte in it.
            name: match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            },
            place: &places::$name,
            _jump: jumps::$name,
        }),*];
    };
}

functions! {
    virConnectClose virConnectDomainEventDeregisterAny virConnectDomainEventRegisterAny virConnectGetCapabilities
    virConnectGetHostname virConnectGetVersion virConnectIsAlive virConnectListAllDomains virConnectOpen virConnectRef
    virConnectRegisterCloseCallback virConnectSetKeepAlive virConnectUnregisterCloseCallback virDomainAbortJob
    virDomainAgentSetResponseTimeout virDomainAttachDeviceFlags virDomainBackupBegin virDomainCreate
    virDomainCreateXML virDomainDefineXML virDomainDefineXMLFlags virDomainDestroy virDomainDetachDeviceAlias
    virDomainDetachDeviceFlags virDomainFSFreeze virDomainFSThaw virDomainFree virDomainGetInfo virDomainGetJobInfo
    virDomainGetJobStats virDomainGetMetadata virDomainGetState virDomainGetUUID virDomainGetXMLDesc virDomainIsActive
    virDomainListGetStats virDomainLookupByName virDomainLookupByUUID virDomainLookupByUUIDString virDomainMemoryStats
    virDomainPMWakeup virDomainRef virDomainResume virDomainShutdown virDomainStatsRecordListFree virDomainSuspend
    virDomainUndefine virDomainUndefineFlags virEventRegisterDefaultImpl virEventRunDefaultImpl virGetLastError
    virNodeGetInfo virSetErrorFunc virTypedParamsFree virTypedParamsGetString
}

/// Opens the library, once, and finds the functions in it. Later calls answer what the first did.
///
/// # Errors
/// What the host's linker says: the library is not installed, or too old.
pub fn load() -> Result<(), String> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    LOADED.get_or_init(open).clone()
}

fn open() -> Result<(), String> {
    // SAFETY: the name is a C string; the library's own initialisers are made to run in any process that links it.
    let library = unsafe { libc::dlopen(LIBRARY.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if library.is_null() {
        return Err(format!("libvirt is not installed here: {}", why()));
    }
    for function in FUNCTIONS {
        // SAFETY: the library was opened above and is never closed; the name is a C string.
        let found = unsafe { libc::dlsym(library, function.name.as_ptr()) };
        if found.is_null() {
            return Err(format!("libvirt is too old here: {}", why()));
        }
        function.place.store(found, Ordering::Release);
    }
    Ok(())
}

/// What the linker has to say.
fn why() -> String {
    // SAFETY: it answers null or a C string that lives until this thread's next call of the linker.
    let text = unsafe {
        let text = libc::dlerror();
        if text.is_null() { c"no reason is known" } else { CStr::from_ptr(text) }
    };
    text.to_string_lossy().into_owned()
}

/// Where a function jumps that nobody has looked for.
extern "C" fn not_loaded() -> ! {
    // A mistake of ours: there is no caller that could be answered.
    eprintln!("cloudbox: a function of libvirt was called before its library was opened");
    std::process::abort();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_and_can_be_called() {
        if std::env::var("CLOUDBOX_SKIP_LIBVIRT").is_ok_and(|value| value == "1") {
            return;
        }
        load().unwrap();
        for function in FUNCTIONS {
            let place = function.place.load(Ordering::Acquire);
            assert_ne!(place, not_loaded as *mut c_void, "{:?}", function.name);
        }
        assert!(virt::connect::Connect::open(Some("nonsense:///")).is_err());
        assert!(
            FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name),
            "in the order of the alphabet, each once"
        );
    }
}
