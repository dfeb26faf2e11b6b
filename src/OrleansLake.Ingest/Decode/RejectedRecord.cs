namespace OrleansLake.Ingest.Decode;

/// <summary>Why a record did not become a row. Its name in kebab case is the error class of a dead letter.</summary>
internal enum RejectReason
{
    /// <summary>Kafka's null value: a tombstone.</summary>
    NullValue,

    /// <summary>No bytes at all.</summary>
    EmptyValue,

    /// <summary>Not a JSON document as RFC 8259 has it.</summary>
    MalformedJson,

    /// <summary>A string that is not UTF-8, or escapes that no UTF-8 can hold (half a surrogate pair).</summary>
    InvalidUtf8,

    /// <summary>Objects and arrays within each other beyond the limit.</summary>
    TooDeep,

    /// <summary>A JSON document, but no object.</summary>
    NotAnObject,

    /// <summary>A token that the column's type does not take.</summary>
    WrongType,

    /// <summary>Nothing, or null, where the column is required.</summary>
    MissingRequired,

    /// <summary>A value beyond what the type holds.</summary>
    OutOfRange,

    /// <summary>Digits that the type could not keep.</summary>
    Inexact,

    /// <summary>A string that is no date, time, timestamp, UUID or base64.</summary>
    MalformedText,

    /// <summary>A value that does not begin with the id of a schema, where the format has one.</summary>
    NotFramed,

    /// <summary>A schema id that the registry does not know, asked long enough.</summary>
    UnknownSchema,

    /// <summary>A schema that no row can be made of.</summary>
    UnusableSchema,

    /// <summary>Bytes that are not what their Avro schema says.</summary>
    MalformedAvro,

    /// <summary>Bytes that are no message of Protocol Buffers.</summary>
    MalformedProtobuf,

    /// <summary>A row that does not meet an expectation of the pipeline.</summary>
    UnmetExpectation,
}

/// <summary>Names of reject reasons as dead letters carry them.</summary>
internal static class RejectReasons
{
    /// <summary>The error class: stable, in kebab case.</summary>
    public static string ErrorClass(this RejectReason reason) => reason switch
    {
        RejectReason.NullValue => "null-value",
        RejectReason.EmptyValue => "empty-value",
        RejectReason.MalformedJson => "malformed-json",
        RejectReason.InvalidUtf8 => "invalid-utf8",
        RejectReason.TooDeep => "too-deep",
        RejectReason.NotAnObject => "not-an-object",
        RejectReason.WrongType => "wrong-type",
        RejectReason.MissingRequired => "missing-required",
        RejectReason.OutOfRange => "out-of-range",
        RejectReason.Inexact => "inexact",
        RejectReason.MalformedText => "malformed-text",
        RejectReason.NotFramed => "not-framed",
        RejectReason.UnknownSchema => "unknown-schema",
        RejectReason.UnusableSchema => "unusable-schema",
        RejectReason.MalformedAvro => "malformed-avro",
        RejectReason.MalformedProtobuf => "malformed-protobuf",
        RejectReason.UnmetExpectation => "unmet-expectation",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "not a reject reason"),
    };
}

/// <summary>A record that did not become a row.</summary>
/// <param name="RecordIndex">Its index in the Kafka batch.</param>
/// <param name="Reason">Why.</param>
/// <param name="Path">Where in the document: <c>order.lines[3].price</c>; empty for the document itself.</param>
/// <param name="Message">What was expected and what stood there.</param>
internal readonly record struct RejectedRecord(int RecordIndex, RejectReason Reason, string Path, string Message);
