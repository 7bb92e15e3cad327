//! Which part of an image a download asks for, as Glance reads it: `Range`, and in its place `Content-Range`, which older
//! clients send.

use std::ops::Range;

use kit::Fault;

/// The part of `size` bytes that the headers ask for; none: all of it.
///
/// # Errors
/// A 400 for several parts at once, a 416 for one that is not there.
pub fn asked(range: Option<&str>, content_range: Option<&str>, size: u64) -> Result<Option<Range<u64>>, Fault> {
    match (range, content_range) {
        (Some(range), _) => requested(range, size).map(Some),
        (None, Some(range)) => described(range, size).map(Some),
        (None, None) => Ok(None),
    }
}

/// `bytes=FIRST-LAST`, `bytes=FIRST-`, `bytes=-LENGTH`.
fn requested(text: &str, size: u64) -> Result<Range<u64>, Fault> {
    if text.contains(',') {
        return Err(Fault::bad_request(
            "Several ranges in one request are not supported; ask for one after the other.",
        ));
    }
    let parsed = unit(text, '=').and_then(|rest| {
        let (first, last) = rest.split_once('-')?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        match (first.trim(), last.trim()) {
            ("", length) => Some(size.saturating_sub(number(length)?)..size),
            (first, "") => Some(number(first)?..size),
            (first, last) => {
                let (first, end) = (number(first)?, number(last)?.checked_add(1)?);
                // A range that begins behind the end is for the check below to name.
                (first < end).then(|| first..end.min(size.max(first)))
            }
        }
    });
    let range = parsed.ok_or_else(|| Fault::range_not_satisfiable("Invalid Range header."))?;
    within(range, size, "Range")
}

/// `bytes FIRST-LAST/SIZE`, `bytes FIRST-LAST/*`.
fn described(text: &str, size: u64) -> Result<Range<u64>, Fault> {
    let parsed = unit(text, ' ').and_then(|rest| {
        let (range, whole) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, end) = (first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?.checked_add(1)?);
        let of_this = whole.trim() == "*" || whole.trim().parse() == Ok(size);
        (first < end && of_this).then_some(first..end)
    });
    let range = parsed.ok_or_else(|| Fault::range_not_satisfiable("Invalid Content-Range header."))?;
    if range.end > size {
        let last = size.saturating_sub(1);
        return Err(Fault::range_not_satisfiable(format!(
            "Invalid stop position in Content-Range header: it must be in the range [0, {last}]."
        )));
    }
    within(range, size, "Content-Range")
}

fn unit(text: &str, separator: char) -> Option<&str> {
    let (unit, rest) = text.trim().split_once(separator)?;
    unit.trim().eq_ignore_ascii_case("bytes").then_some(rest)
}

fn within(range: Range<u64>, size: u64, header: &str) -> Result<Range<u64>, Fault> {
    if range.start < size {
        return Ok(range);
    }
    let last = size.saturating_sub(1);
    Err(Fault::range_not_satisfiable(format!(
        "Invalid start position in {header} header: it must be in the range [0, {last}]."
    )))
}

#[cfg(test)]
mod tests {
    use kit::FaultKind;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_as_glance_reads_them() {
        let range = |text| asked(Some(text), None, 10).map_err(|fault| fault.kind());
        assert_eq!(range("bytes=0-4"), Ok(Some(0..5)));
        assert_eq!(range("bytes=4-"), Ok(Some(4..10)));
        assert_eq!(range("Bytes = 4 - 99"), Ok(Some(4..10)));
        assert_eq!(range("bytes=-3"), Ok(Some(7..10)));
        assert_eq!(range("bytes=-30"), Ok(Some(0..10)));
        assert_eq!(range("bytes=0-1,3-4"), Err(FaultKind::BadRequest));
        for wrong in ["bytes=10-", "bytes=12-14", "bytes=4-3", "bytes=-", "bytes=a-b", "words=0-1", ""] {
            assert_eq!(range(wrong), Err(FaultKind::RangeNotSatisfiable), "{wrong}");
        }
        assert_eq!(asked(Some("bytes=0-"), None, 0).unwrap_err().kind(), FaultKind::RangeNotSatisfiable);
        assert_eq!(asked(None, None, 10).unwrap(), None);
    }

    #[test]
    fn the_old_form_is_understood_too() {
        let range = |text| asked(None, Some(text), 10).map_err(|fault| fault.kind());
        assert_eq!(range("bytes 0-4/10"), Ok(Some(0..5)));
        assert_eq!(range("bytes 3-9/*"), Ok(Some(3..10)));
        for wrong in ["bytes 3-10/*", "bytes 0-4/11", "bytes 4-3/10", "bytes */10", "0-4/10"] {
            assert_eq!(range(wrong), Err(FaultKind::RangeNotSatisfiable), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_answered_is_there(text in "(bytes[= ])?[0-9]{0,3}-?[0-9]{0,20}(/[0-9*]{1,3})?", size in 0_u64..300) {
            for found in [asked(Some(&text), None, size), asked(None, Some(&text), size)] {
                if let Ok(Some(range)) = found {
                    prop_assert!(range.start < range.end && range.end <= size);
                }
            }
        }
    }
}
