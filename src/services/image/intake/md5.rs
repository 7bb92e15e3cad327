//! MD5, which Glance's API wants of every image, in the assembly of the library that does the rest of the cryptography:
//! it takes a quarter less time than what the compiler makes of it, and no other work on an upload takes longer.

use std::io;
use std::ptr::{NonNull, null_mut};

use aws_lc_sys::{
    EVP_DigestFinal_ex, EVP_DigestInit_ex, EVP_DigestUpdate, EVP_MD_CTX, EVP_MD_CTX_free, EVP_MD_CTX_new, EVP_md5,
};

/// A digest that is being worked out.
pub struct Md5(NonNull<EVP_MD_CTX>);

#[expect(unsafe_code, reason = "aws-lc-rs does not wrap MD5")]
// SAFETY: the context is this one's alone, and belongs to no thread.
unsafe impl Send for Md5 {}

impl Md5 {
    /// Of nothing yet.
    ///
    /// # Errors
    /// There is no memory for it.
    #[expect(unsafe_code, reason = "aws-lc-rs does not wrap MD5")]
    pub fn new() -> io::Result<Self> {
        // SAFETY: nothing is asked of the caller.
        let context = NonNull::new(unsafe { EVP_MD_CTX_new() }).ok_or(io::ErrorKind::OutOfMemory)?;
        let md5 = Self(context);
        // SAFETY: the context has just been made, and no engine is named.
        done(unsafe { EVP_DigestInit_ex(md5.0.as_ptr(), EVP_md5(), null_mut()) })?;
        Ok(md5)
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The library refuses, for which there is no known reason.
    #[expect(unsafe_code, reason = "aws-lc-rs does not wrap MD5")]
    pub fn update(&mut self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: the digest was begun, and the pointer and length are of one slice.
        done(unsafe { EVP_DigestUpdate(self.0.as_ptr(), bytes.as_ptr().cast(), bytes.len()) })
    }

    /// The digest.
    ///
    /// # Errors
    /// As [`Md5::update`].
    #[expect(unsafe_code, reason = "aws-lc-rs does not wrap MD5")]
    pub fn finish(self) -> io::Result<[u8; 16]> {
        let mut digest = [0; 16];
        // SAFETY: the digest was begun, and one of MD5 has 16 bytes; nobody asks how many were written.
        done(unsafe { EVP_DigestFinal_ex(self.0.as_ptr(), digest.as_mut_ptr(), null_mut()) })?;
        Ok(digest)
    }
}

impl Drop for Md5 {
    #[expect(unsafe_code, reason = "aws-lc-rs does not wrap MD5")]
    fn drop(&mut self) {
        // SAFETY: it was made by the library and is freed once.
        unsafe { EVP_MD_CTX_free(self.0.as_ptr()) };
    }
}

/// What the library answered: 1 where all is well.
fn done(answer: i32) -> io::Result<()> {
    if answer == 1 { Ok(()) } else { Err(io::Error::other("MD5 cannot be worked out")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of RFC 1321, appendix A.5.
    #[test]
    fn it_is_md5_however_the_bytes_are_cut() {
        let digits = "1234567890".repeat(8);
        for (text, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (digits.as_str(), "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            for cut in [1, 7, 64, 100] {
                let mut md5 = Md5::new().unwrap();
                text.as_bytes().chunks(cut).for_each(|chunk| md5.update(chunk).unwrap());
                assert_eq!(kit::hex(&md5.finish().unwrap()), digest, "{text} in pieces of {cut}");
            }
        }
    }
}
