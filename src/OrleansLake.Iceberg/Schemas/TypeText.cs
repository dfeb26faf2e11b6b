using System.Globalization;

namespace OrleansLake.Iceberg;

/// <summary>Primitive types as metadata spell them. https://iceberg.apache.org/spec/#primitive-types</summary>
internal static class TypeText
{
    public static string Write(PrimitiveType type) => type switch
    {
        BooleanType => "boolean",
        IntegerType => "int",
        LongType => "long",
        FloatType => "float",
        DoubleType => "double",
        DecimalType(int precision, int scale) => string.Create(CultureInfo.InvariantCulture, $"decimal({precision}, {scale})"),
        DateType => "date",
        TimeType => "time",
        TimestampType(bool zone) => zone ? "timestamptz" : "timestamp",
        TimestampNanoType(bool zone) => zone ? "timestamptz_ns" : "timestamp_ns",
        StringType => "string",
        UuidType => "uuid",
        FixedType(int length) => string.Create(CultureInfo.InvariantCulture, $"fixed[{length}]"),
        BinaryType => "binary",
        UnknownType => "unknown",
        VariantType => "variant",
        GeometryType(null) => "geometry",
        GeometryType(var crs) => $"geometry({crs})",
        GeographyType(null, null) => "geography",
        GeographyType(var crs, null) => $"geography({crs})",
        GeographyType(var crs, var algorithm) => $"geography({crs ?? "OGC:CRS84"}, {algorithm})",
        _ => throw new ArgumentException($"no spelling for {type}"),
    };

    /// <summary>Null where the text is no type.</summary>
    public static PrimitiveType? Parse(string text) => text switch
    {
        "boolean" => new BooleanType(),
        "int" => new IntegerType(),
        "long" => new LongType(),
        "float" => new FloatType(),
        "double" => new DoubleType(),
        "date" => new DateType(),
        "time" => new TimeType(),
        "timestamp" => new TimestampType(false),
        "timestamptz" => new TimestampType(true),
        "timestamp_ns" => new TimestampNanoType(false),
        "timestamptz_ns" => new TimestampNanoType(true),
        "string" => new StringType(),
        "uuid" => new UuidType(),
        "binary" => new BinaryType(),
        "unknown" => new UnknownType(),
        "variant" => new VariantType(),
        "geometry" => new GeometryType(null),
        "geography" => new GeographyType(null, null),
        _ => ParseWithArguments(text),
    };

    private static PrimitiveType? ParseWithArguments(string text)
    {
        int open = text.IndexOfAny(['(', '[']);
        if (open < 0 || text[^1] != (text[open] == '(' ? ')' : ']'))
        {
            return null;
        }

        string[] arguments = [.. text[(open + 1)..^1].Split(',').Select(argument => argument.Trim())];
        return (text[..open].TrimEnd(), text[open], arguments) switch
        {
            ("decimal", '(', [var p, var s]) when Number(p) is int precision and >= 1 and <= 38 && Number(s) is int scale && scale <= precision =>
                new DecimalType(precision, scale),
            ("fixed", '[', [var l]) when Number(l) is int length => new FixedType(length),
            ("geometry", '(', [{ Length: > 0 } crs]) => new GeometryType(crs),
            ("geography", '(', [{ Length: > 0 } crs]) => new GeographyType(crs, null),
            ("geography", '(', [{ Length: > 0 } crs, { Length: > 0 } algorithm]) => new GeographyType(crs, algorithm),
            _ => null,
        };
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
