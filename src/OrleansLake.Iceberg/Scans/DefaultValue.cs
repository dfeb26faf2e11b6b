using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg;

/// <summary>
/// What rows hold in a column that was added after they were written.
/// https://iceberg.apache.org/spec/#default-values, https://iceberg.apache.org/spec/#json-single-value-serialization
/// </summary>
public static class DefaultValue
{
    /// <summary>The initial default of a primitive field, in the form of <see cref="PartitionKey"/>; null where it has none.</summary>
    /// <exception cref="FormatException">The default is none of the field's type.</exception>
    public static object? OfInitial(NestedField field) => field.InitialDefault is { } json && field.Type is PrimitiveType type ? Of(type, json) ?? throw Refused(field, json) : null;

    private static object? Of(PrimitiveType type, JsonNode json)
    {
        var kind = json.GetValueKind();
        string? text = kind == JsonValueKind.String ? json.GetValue<string>() : null;
        string number = kind == JsonValueKind.Number ? json.ToJsonString() : "";
        try
        {
            return type switch
            {
                BooleanType when kind is JsonValueKind.True or JsonValueKind.False => kind == JsonValueKind.True,
                IntegerType when int.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) => value,
                LongType when long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) => value,
                FloatType when float.TryParse(number, CultureInfo.InvariantCulture, out float value) => value,
                DoubleType when double.TryParse(number, CultureInfo.InvariantCulture, out double value) => value,
                DecimalType(_, var scale) when text is not null => Decimal(text, scale),
                DateType or TimeType or TimestampType or TimestampNanoType or UuidType when text is not null && Literal.Of(text, type) is { Side: 0, IsExact: true } literal => literal.Value,
                StringType => text,
                FixedType(var length) when text is not null => Convert.FromHexString(text) is var bytes && bytes.Length == length ? bytes : null,
                BinaryType when text is not null => Convert.FromHexString(text),
                _ => null,
            };
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static Decimal128? Decimal(string text, int scale)
    {
        int point = text.IndexOf('.', StringComparison.Ordinal);
        int digits = point < 0 ? 0 : text.Length - point - 1;
        // With a negative scale there is an exponent: 2E+20.
        return digits <= Math.Max(scale, 0) && BigInteger.TryParse(text.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var unscaled)
            ? new Decimal128((Int128)(unscaled * BigInteger.Pow(10, Math.Max(scale - digits, 0))), scale)
            : null;
    }

    private static FormatException Refused(NestedField field, JsonNode json) =>
        new($"field {field.Name} (id {field.Id}): expected an initial default of {((PrimitiveType)field.Type).Spelling}, got {json.ToJsonString()}");
}
