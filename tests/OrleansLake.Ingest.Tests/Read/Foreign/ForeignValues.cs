using System.Globalization;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Tests.Read.Foreign;

/// <summary>Values of every type by a number, and literals of them in ClickHouse's SQL and ours.</summary>
internal static class ForeignValues
{
    /// <summary>Every primitive type that ClickHouse and icebird know.</summary>
    public static IReadOnlyList<(string Name, IcebergType Type)> Primitives { get; } =
    [
        ("bool", new BooleanType()), ("int", new IntegerType()), ("long", new LongType()), ("float", new FloatType()), ("double", new DoubleType()),
        ("dec9", new DecimalType(9, 2)), ("dec18", new DecimalType(18, 4)), ("dec38", new DecimalType(38, 10)),
        ("date", new DateType()), ("time", new TimeType()), ("ts", new TimestampType(false)), ("tstz", new TimestampType(true)),
        ("string", new StringType()), ("uuid", new UuidType()), ("fixed", new FixedType(4)), ("binary", new BinaryType()),
    ];

    public static object Of(IcebergType type, int n) => type switch
    {
        BooleanType => n % 2 == 0,
        IntegerType => (n * 37) - 100,
        LongType => (n * 10_000_000_000L) - 30_000_000_000L,
        FloatType => (n / 4f) - 1,
        DoubleType => (n / 8.0) - 0.5,
        DecimalType(int precision, int scale) => new Decimal128(((Int128)n * 1_000_003) - 2_500_000 + (precision > 18 ? Int128.Parse("123456789012345678901234567", CultureInfo.InvariantCulture) * n : 0), scale),
        DateType => 19_000 + (n * 11),
        TimeType => (3_600_000_000L * (n % 24)) + 1_000_000 * n,
        TimestampType => 1_700_000_000_123_456L + (n * 90_000_000_000L),
        TimestampNanoType => 1_700_000_000_123_456_789L + (n * 90_000_000_000_000L),
        StringType => $"näme {n:D3} of a row that is longer than sixteen",
        UuidType => new Guid($"{n:x8}-89ab-cdef-0123-456789abcdef"),
        FixedType(int length) => Enumerable.Range(0, length).Select(i => (byte)(i + (n * 7))).ToArray(),
        BinaryType => new byte[] { (byte)n, 0, 0xFF, (byte)(200 - n) },
        _ => throw new ArgumentException($"expected a primitive type, got {type}"),
    };

    /// <summary>As of a condition in our SQL, and in ClickHouse's; null where one of them has none.</summary>
    public static (string Ours, string ClickHouse)? Literals(IcebergType type, object value) => type switch
    {
        IntegerType or LongType => Both(Convert.ToString(value, CultureInfo.InvariantCulture)!),
        FloatType or DoubleType => Both(Convert.ToDouble(value, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture)),
        DecimalType(_, int scale) => (SingleValueText.Of(type, value), $"toDecimal128('{SingleValueText.Of(type, value)}', {scale})"),
        DateType => (Day((int)value), "toDate32(" + Day((int)value) + ")"),
        TimestampType(bool zone) => (zone ? $"TIMESTAMP '{Micros((long)value)} UTC'" : $"TIMESTAMP '{Micros((long)value)}'", $"toDateTime64('{Micros((long)value)}', 6, 'UTC')"),
        StringType => Both($"'{value}'"),
        UuidType => ($"'{value}'", $"toUUID('{value}')"),
        _ => null,
    };

    private static (string, string) Both(string text) => (text, text);

    private static string Day(int days) => $"'{DateOnly.FromDayNumber(days + 719_162):yyyy-MM-dd}'";

    private static string Micros(long micros) => DateTime.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture);
}
