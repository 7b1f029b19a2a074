//! The form that the lists of faults and of witnesses have in common.

/// Declares an enum as a table: variant, name, guarantee, description (which is also its documentation).
macro_rules! catalogue {
    (
        $(#[doc = $about:literal])+ $Name:ident,
        guarantee: $which:literal;
        $($variant:ident $name:literal $guarantee:ident $description:literal;)+
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $Name {
            $(#[doc = $description] $variant,)+
        }

        impl $Name {
            /// All of them, ordered by guarantee.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name on the command line and in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            #[doc = $which]
            pub fn guarantee(self) -> Guarantee {
                match self { $(Self::$variant => Guarantee::$guarantee,)+ }
            }

            /// What it is, in one sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)+ }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(super) use catalogue;
