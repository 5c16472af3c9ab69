//! Days of the calendar and the range in which one counts.

use std::fmt;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// The day with these numbers, if the calendar has it; years 1 to 9999.
    pub fn new(year: u32, month: u32, day: u32) -> Option<Day> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let last = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        ((1..=9999).contains(&year) && (1..=last).contains(&day)).then_some(Day {
            year: year as u16,
            month: month as u8,
            day: day as u8,
        })
    }

    /// The day, in UTC, that lies so many seconds after the beginning of 1970.
    pub fn from_unix(seconds: i64) -> Option<Day> {
        // Days since 1 March of year 0: then leap days come last in years, 4 and 400 years.
        let days = seconds.div_euclid(86_400).checked_add(719_468)?;
        let cycle = days.div_euclid(146_097);
        let in_cycle = days.rem_euclid(146_097);
        let year = (in_cycle - in_cycle / 1_460 + in_cycle / 36_524 - in_cycle / 146_096) / 365;
        let in_year = in_cycle - (365 * year + year / 4 - year / 100);
        let month = (5 * in_year + 2) / 153;
        let day = in_year - (153 * month + 2) / 5 + 1;
        let year = year + cycle * 400 + i64::from(month >= 10);
        let month = if month < 10 { month + 3 } else { month - 9 };
        Day::new(u32::try_from(year).ok()?, month as u32, day as u32)
    }

    /// Days since the beginning of 1970.
    pub fn days_since_1970(self) -> i32 {
        let (year, month) = (i32::from(self.year), i32::from(self.month));
        // As above: years that begin in March.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let in_year = (153 * month + 2) / 5 + i32::from(self.day) - 1;
        year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719_468
    }
}

impl fmt::Display for Day {
    /// As `2017-12-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The days on which a page can have been published.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    latest: Option<Day>,
}

/// Pages are no older (our choice; htmldate's too): earlier dates are what a page speaks of.
const EARLIEST: Day = Day { year: 1995, month: 1, day: 1 };

impl Bounds {
    /// Until the day of the capture; without an end where nobody knows it.
    pub fn until(latest: Option<Day>) -> Self {
        Bounds { latest }
    }

    /// Whether the day lies inside.
    pub fn contain(&self, day: Day) -> bool {
        EARLIEST <= day && self.latest.is_none_or(|latest| day <= latest)
    }
}

/// The year that two digits mean: 69 and later are 19xx (POSIX).
pub(super) fn full_year(year: u32) -> u32 {
    match year {
        0..69 => year + 2000,
        69..100 => year + 1900,
        _ => year,
    }
}

/// Whether a number is a year that pages have: 1990 to 2039, as the patterns take them.
pub(super) fn is_year(year: u32) -> bool {
    (1990..2040).contains(&year)
}
