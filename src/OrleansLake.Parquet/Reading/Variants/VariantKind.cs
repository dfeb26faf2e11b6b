namespace OrleansLake.Parquet;

/// <summary>What a <see cref="Variant"/> holds. https://github.com/apache/parquet-format/blob/master/VariantEncoding.md</summary>
public enum VariantKind
{
    /// <summary>A null that is a value.</summary>
    Null = 0,

    /// <summary>True or false.</summary>
    Boolean = 1,

    /// <summary>8 bits.</summary>
    Int8 = 3,

    /// <summary>16 bits.</summary>
    Int16 = 4,

    /// <summary>32 bits.</summary>
    Int32 = 5,

    /// <summary>64 bits.</summary>
    Int64 = 6,

    /// <summary>Double precision.</summary>
    Double = 7,

    /// <summary>An unscaled integer of 32 bits and a scale.</summary>
    Decimal4 = 8,

    /// <summary>An unscaled integer of 64 bits and a scale.</summary>
    Decimal8 = 9,

    /// <summary>An unscaled integer of 128 bits and a scale.</summary>
    Decimal16 = 10,

    /// <summary>Days since 1970-01-01.</summary>
    Date = 11,

    /// <summary>Microseconds since 1970-01-01T00:00Z.</summary>
    Timestamp = 12,

    /// <summary>Microseconds since 1970-01-01T00:00 in no time zone.</summary>
    TimestampNtz = 13,

    /// <summary>Single precision.</summary>
    Float = 14,

    /// <summary>Bytes.</summary>
    Binary = 15,

    /// <summary>UTF-8 text.</summary>
    String = 16,

    /// <summary>Microseconds since midnight.</summary>
    Time = 17,

    /// <summary>Nanoseconds since 1970-01-01T00:00Z.</summary>
    TimestampNanos = 18,

    /// <summary>Nanoseconds since 1970-01-01T00:00 in no time zone.</summary>
    TimestampNanosNtz = 19,

    /// <summary>16 bytes, big endian.</summary>
    Uuid = 20,

    /// <summary>Fields by name.</summary>
    Object = 100,

    /// <summary>Elements in order.</summary>
    Array = 101,
}
