//! The list of error codes: what programs tell errors apart by. `docs/errors.md` is written from it.

use std::fmt;

use super::ErrorKind;

/// Defines [`Code`] by kind; the first code of a kind is the one of errors that have none of their own.
macro_rules! codes {
    ($($kind:ident { $($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+ })+) => {
        /// What an error is, in one word that stays the same from version to version.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($($(#[doc = $doc])+ $name,)+)+
        }

        impl Code {
            /// Every code, by kind; the first of each kind is its [`Code::default_of`].
            pub const ALL: &'static [Self] = &[$($(Self::$name,)+)+];

            /// The code as programs read it, such as `contract_frozen`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$name => $word,)+)+
                }
            }

            /// The kind of every error that has this code.
            pub fn kind(self) -> ErrorKind {
                match self {
                    $($(Self::$name => ErrorKind::$kind,)+)+
                }
            }

            /// What the code says, and what the detail of its errors holds, in Markdown.
            pub fn docs(self) -> &'static str {
                match self {
                    $($(Self::$name => concat!($($doc, "\n"),+),)+)+
                }
            }
        }
    };
}

codes! {
    Config {
        /// A setting is wrong, in a way that no other code names.
        InvalidConfiguration = "invalid_configuration",
        /// A key is set that means nothing where it stands. Detail: `key`; `path`, if it is not at the top.
        UnknownKey = "unknown_key",
        /// A key is needed and not set. Detail: `key`.
        MissingKey = "missing_key",
        /// A key is set to a value that it cannot have. Detail: `key` and `value`, where they are known.
        InvalidValue = "invalid_value",
        /// A name was chosen from a list that does not have it, such as a file format or a naming convention. Detail:
        /// `what` and `name`.
        UnknownChoice = "unknown_choice",
        /// A file is no YAML, TOML or JSON, or is nested too deeply; the place has file, line and column.
        InvalidDocument = "invalid_document",
        /// A file or folder that the configuration or the command names does not exist. Detail: `path`.
        FileMissing = "file_missing",
        /// A file would be written over. Detail: `path`.
        FileExists = "file_exists",
        /// A name cannot be used for what it is to name. Detail: `name`.
        InvalidName = "invalid_name",
        /// A name is longer than the destination takes. Detail: `name` and `limit`.
        NameTooLong = "name_too_long",
        /// Two resources, cursors or paginators have one name. Detail: `name`.
        DuplicateName = "duplicate_name",
        /// A JSONPath or a path into a document cannot be read, or not here. Detail: `path`.
        InvalidPath = "invalid_path",
        /// A regular expression or a pattern for file names cannot be read. Detail: `pattern`.
        InvalidPattern = "invalid_pattern",
        /// A URL cannot be read.
        InvalidAddress = "invalid_address",
        /// A jq expression cannot be read, or does what steps may not. Detail: `expression`.
        InvalidExpression = "invalid_expression",
        /// The layout of the files of a destination cannot be used. Detail: `layout`.
        InvalidLayout = "invalid_layout",
        /// The layout has a placeholder that nothing fills in. Detail: `layout` and `placeholder`.
        UnknownPlaceholder = "unknown_placeholder",
        /// A schema, or a table or column of one, is not built as schemas are.
        InvalidSchema = "invalid_schema",
        /// A schema has a key that schemas do not have. Detail: `key` and `path`.
        UnknownSchemaKey = "unknown_schema_key",
        /// A table names a parent that the schema does not have. Detail: `parent`.
        ParentTableMissing = "parent_table_missing",
        /// A table is given another parent than it has. Detail: `parent`.
        TableParentChanged = "table_parent_changed",
        /// A schema contract has another mode than `evolve`, `freeze`, `discard_row` and `discard_value`, or governs what
        /// contracts do not.
        InvalidContract = "invalid_contract",
        /// A column has a hint that columns do not have. Detail: `key`.
        UnknownHint = "unknown_hint",
        /// A hint that only one column may have stands at several. Detail: `hint` and `columns`.
        DuplicateHint = "duplicate_hint",
        /// A merge strategy that does not exist was asked for. Detail: `strategy`.
        UnknownMergeStrategy = "unknown_merge_strategy",
        /// An option of a merge does not go with its strategy or disposition. Detail: `option`.
        InvalidMergeOption = "invalid_merge_option",
        /// The merge strategy needs a key that the table does not have. Detail: `strategy`.
        MergeKeyMissing = "merge_key_missing",
        /// The rows of a nested table cannot be told apart or traced to their root rows, so that they cannot be merged.
        MergeUntraceable = "merge_untraceable",
        /// The options of a cursor do not go together, or one has a value that it cannot have.
        InvalidCursorOptions = "invalid_cursor_options",
        /// A command or query names a table that the dataset or database does not have. Detail: `table`.
        UnknownTable = "unknown_table",
        /// A column that was named does not exist. Detail: `column`.
        UnknownColumn = "unknown_column",
        /// The pipeline was never run here, or has nothing yet of what was asked for. Detail: `pipeline`, where it is known.
        PipelineNeverRan = "pipeline_never_ran",
        /// There is no load package with that id. Detail: `load_id`.
        UnknownPackage = "unknown_package",
        /// A command destroys something and could not ask whether it may.
        ConfirmationNeeded = "confirmation_needed",
        /// Resources depend on each other in a cycle. Detail: `resources`.
        ResourceCycle = "resource_cycle",
        /// A placeholder or the braces of a REST configuration cannot be read.
        InvalidTemplate = "invalid_template",
        /// Certificates or keys for TLS cannot be used.
        TlsUnusable = "tls_unusable",
        /// There is no recording to play, or it cannot be read or written.
        RecordingUnusable = "recording_unusable",
    }
    Source {
        /// The source failed, in a way that no other code names.
        SourceFailed = "source_failed",
        /// A limit that the user set on requests or time is reached: reading stops, and what was read is loaded; the command
        /// ends with 3.
        BudgetSpent = "budget_spent",
        /// A file or folder of the source cannot be read.
        SourceUnreadable = "source_unreadable",
        /// A connection to the source failed, broke off or was too slow.
        SourceUnreachable = "source_unreachable",
        /// The source answered with a status that means failure. Detail: `status`.
        HttpStatus = "http_status",
        /// No access token could be had.
        TokenRefused = "token_refused",
        /// A request is not in the recording that is played.
        NotRecorded = "not_recorded",
        /// Some partitions of a resource failed; what the others brought is kept.
        PartitionsFailed = "partitions_failed",
    }
    Data {
        /// The data cannot be read or loaded, for a reason that no other code names.
        InvalidData = "invalid_data",
        /// This is not JSON; the place says where it stops to be.
        NotJson = "not_json",
        /// This is not text in the encoding that was named or found.
        NotText = "not_text",
        /// This file is not of its format, or is damaged.
        DamagedSourceFile = "damaged_source_file",
        /// A record or value is longer than the limit.
        RecordTooLong = "record_too_long",
        /// A step of a resource fails on a record, or makes what is no record.
        StepFailed = "step_failed",
        /// A null stands in a column that may not be null; the place has the table and the column.
        NullInRequiredColumn = "null_in_required_column",
        /// No record has a column that the resource has as its key. Detail: `role`, `column`.
        KeyColumnMissing = "key_column_missing",
        /// A record has no value in a column of its primary key; the place has the column.
        PrimaryKeyNull = "primary_key_null",
        /// Two names of the data are one name after normalization. Detail: `name`, `first`, `second`.
        NamesCollide = "names_collide",
        /// A record has no value where the cursor is. Detail: `cursor_path`.
        CursorMissing = "cursor_missing",
        /// The cursor of a record is null. Detail: `cursor_path`.
        CursorNull = "cursor_null",
        /// The cursor of a record has no place in an order, is of another type than before, or of one that cannot be a cursor.
        CursorInvalid = "cursor_invalid",
        /// The records do not come in the order that `row_order` says.
        CursorOutOfOrder = "cursor_out_of_order",
        /// More records than can be told apart have the same value of the cursor.
        CursorTies = "cursor_ties",
        /// A record lacks the primary key that records of one cursor value are told apart by. Detail: `primary_key`.
        PrimaryKeyMissing = "primary_key_missing",
        /// The stored state of a pipeline, schema or cursor cannot be read.
        DamagedState = "damaged_state",
        /// A file of a load package is damaged or gone.
        DamagedPackage = "damaged_package",
        /// A file of the working folder is damaged.
        DamagedFolder = "damaged_folder",
        /// A file that windlass keeps at the destination is damaged.
        DamagedDataset = "damaged_dataset",
    }
    Contract {
        /// The schema contract freezes what the data or the hints would change. Detail: `entity` (`tables`, `columns` or
        /// `data_type`), `mode` (`freeze`), `table`, and of a column `column` and, where it is known, `data_type`: the type
        /// that it was to have.
        ContractFrozen = "contract_frozen",
    }
    Destination {
        /// The destination failed, in a way that no other code names.
        DestinationFailed = "destination_failed",
        /// A file of the destination, of the working folder or of a package cannot be read or written.
        FileFailed = "file_failed",
        /// A query names a table or column that the dataset does not have.
        UndefinedRelation = "undefined_relation",
        /// A message about a run could not be delivered.
        AlertFailed = "alert_failed",
    }
    Conflict {
        /// Somebody else holds or changed what this run needs, in a way that no other code names.
        Conflict = "conflict",
        /// Another run loads into the dataset. Detail: `pipeline`.
        LeaseHeld = "lease_held",
        /// Another run took the dataset over while this one was loading. Detail: `pipeline`.
        LeaseLost = "lease_lost",
        /// Another process uses the working folder.
        FolderInUse = "folder_in_use",
        /// A package waits to be loaded, and what was asked for would pass it by. Detail: `load_id`.
        PackagePending = "package_pending",
        /// The schema or state at the destination is not the one that the package was made with.
        DatasetChanged = "dataset_changed",
    }
    Unsupported {
        /// What was asked for cannot be done, for a reason that no other code names.
        Unsupported = "unsupported",
        /// This binary was built without what is asked for.
        FeatureMissing = "feature_missing",
        /// The destination does not have the write disposition. Detail: `disposition`.
        DispositionUnsupported = "disposition_unsupported",
        /// The destination does not have the merge strategy. Detail: `strategy`.
        MergeStrategyUnsupported = "merge_strategy_unsupported",
        /// The destination does not have the table format. Detail: `format`.
        TableFormatUnsupported = "table_format_unsupported",
        /// Values of this type cannot be read, written or loaded here. Detail: `data_type`, where it is known.
        DataTypeUnsupported = "data_type_unsupported",
        /// Addresses of this protocol cannot be read or written. Detail: `protocol`.
        ProtocolUnsupported = "protocol_unsupported",
        /// A state, schema or document was written by a version that this one does not know.
        VersionUnsupported = "version_unsupported",
    }
    Cancelled {
        /// The run was stopped on request. Nothing is lost: the next run goes on.
        Cancelled = "cancelled",
    }
    Internal {
        /// A promise inside windlass was broken: please report it.
        Internal = "internal",
    }
}

impl Code {
    /// The code of the errors of a kind that have none of their own.
    pub fn default_of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Config => Self::InvalidConfiguration,
            ErrorKind::Source => Self::SourceFailed,
            ErrorKind::Data => Self::InvalidData,
            ErrorKind::Contract => Self::ContractFrozen,
            ErrorKind::Destination => Self::DestinationFailed,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::Unsupported => Self::Unsupported,
            ErrorKind::Cancelled => Self::Cancelled,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
