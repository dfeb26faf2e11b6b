using System.Text.Unicode;

namespace OrleansLake.Iceberg.Expressions;

/// <summary>Bounds as another writer left them. https://iceberg.apache.org/spec/#binary-single-value-serialization</summary>
internal static class BoundValue
{
    private const long MicrosPerDay = 86_400_000_000;

    /// <summary>The value; null where there is none or it is none of the type, so that nothing is concluded from it.</summary>
    public static object? Read(IcebergType type, byte[]? bytes) => (type, bytes) switch
    {
        (_, null) => null,
        (BooleanType, { Length: 1 }) or (IntegerType or DateType or LongType or FloatType or DoubleType, { Length: 4 })
            or (LongType or TimeType or TimestampType or TimestampNanoType or DoubleType, { Length: 8 })
            or (DecimalType, { Length: >= 1 and <= 16 }) or (UuidType, { Length: 16 }) or (FixedType or BinaryType, _) => SingleValue.FromBytes(type, bytes),
        // The column was a date when the bound was written.
        (TimestampType, { Length: 4 }) => MicrosPerDay * (int)SingleValue.FromBytes(new DateType(), bytes),
        // Cut in the middle of a character, which compares wrong.
        (StringType, _) => Utf8.IsValid(bytes) ? SingleValue.FromBytes(type, bytes) : null,
        _ => null,
    };

    /// <summary>A partition value in the type that its field has now; widened where the column was promoted.</summary>
    public static object? Widen(IcebergType type, object? value) => (type, value) switch
    {
        (LongType, int number) => (long)number,
        (DoubleType, float number) => (double)number,
        (TimestampType, int days) => days * MicrosPerDay,
        (TimestampNanoType, int days) => days * MicrosPerDay * 1000,
        // Of a transform that is not known: any value, and shown as text.
        (StringType, not (null or string)) => SingleValueText.Of(type, value),
        _ => value,
    };
}
