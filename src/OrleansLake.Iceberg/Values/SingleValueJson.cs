using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg.Expressions;

namespace OrleansLake.Iceberg;

/// <summary>
/// Single values in JSON: the defaults of columns. Primitives are those of <see cref="PartitionKey"/>; a struct is a
/// <c>Dictionary&lt;int, object?&gt;</c> by field id, a list a <c>List&lt;object?&gt;</c>, a map a
/// <c>List&lt;KeyValuePair&lt;object, object?&gt;&gt;</c>. https://iceberg.apache.org/spec/#json-single-value-serialization
/// </summary>
public static class SingleValueJson
{
    /// <summary>A value of a type from its JSON; null is null.</summary>
    /// <exception cref="FormatException">The JSON is no value of the type.</exception>
    public static object? Read(IcebergType type, JsonNode? json)
    {
        if (json is null)
        {
            return null;
        }

        object? value = (type, json.GetValueKind()) switch
        {
            (BooleanType, JsonValueKind.True) => true,
            (BooleanType, JsonValueKind.False) => false,
            (IntegerType, JsonValueKind.Number) => int.TryParse(json.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : null,
            (LongType, JsonValueKind.Number) => long.TryParse(json.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null,
            (FloatType, JsonValueKind.Number) => float.Parse(json.ToJsonString(), CultureInfo.InvariantCulture) is var number && float.IsFinite(number) ? number : null,
            (DoubleType, JsonValueKind.Number) => double.Parse(json.ToJsonString(), CultureInfo.InvariantCulture) is var number && double.IsFinite(number) ? number : null,
            (PrimitiveType primitive, JsonValueKind.String) => ReadText(primitive, json.GetValue<string>()),
            (StructType structure, JsonValueKind.Object) => ReadStruct(structure, json.AsObject()),
            (ListType list, JsonValueKind.Array) => json.AsArray().Select(element => Read(list.Element, element) ?? (list.ElementRequired ? throw Refused(type, json) : null)).ToList(),
            (MapType map, JsonValueKind.Object) => ReadMap(map, json.AsObject()),
            _ => null,
        };
        return value ?? throw Refused(type, json);
    }

    /// <summary>The JSON of a value of a type; null is null.</summary>
    /// <exception cref="FormatException">It is no value of the type, or one that JSON cannot say (NaN).</exception>
    public static JsonNode? Write(IcebergType type, object? value)
    {
        switch (type, value)
        {
            case (_, null):
                return null;
            case (BooleanType, bool flag):
                return JsonValue.Create(flag);
            case (IntegerType, int number):
                return JsonValue.Create(number);
            case (LongType, long number):
                return JsonValue.Create(number);
            case (FloatType, float number) when float.IsFinite(number):
                return JsonValue.Create(number);
            case (DoubleType, double number) when double.IsFinite(number):
                return JsonValue.Create(number);
            case (StringType, string text):
                return JsonValue.Create(text);
            case (UuidType, Guid uuid):
                return JsonValue.Create(uuid.ToString());
            case (FixedType(int length), byte[] bytes) when bytes.Length == length:
                return JsonValue.Create(Convert.ToHexStringLower(bytes));
            case (BinaryType, byte[] bytes):
                return JsonValue.Create(Convert.ToHexStringLower(bytes));
            case (DecimalType(_, int scale), Decimal128 number) when number.Scale == scale:
            case (DateType, int):
            case (TimeType or TimestampType or TimestampNanoType, long):
                return JsonValue.Create(SingleValueText.Of(type, value));
            case (StructType structure, IReadOnlyDictionary<int, object?> fields):
                var members = new JsonObject();
                foreach (var field in structure.Fields.Where(field => fields.ContainsKey(field.Id)))
                {
                    members[field.Id.ToString(CultureInfo.InvariantCulture)] = Write(field.Type, fields[field.Id]);
                }

                return members;
            case (ListType list, IReadOnlyList<object?> elements):
                return new JsonArray([.. elements.Select(element => Write(list.Element, element))]);
            case (MapType map, IReadOnlyList<KeyValuePair<object, object?>> pairs):
                return new JsonObject
                {
                    ["keys"] = new JsonArray([.. pairs.Select(pair => Write(map.Key, pair.Key))]),
                    ["values"] = new JsonArray([.. pairs.Select(pair => Write(map.Value, pair.Value))]),
                };
            default:
                throw new FormatException($"expected a value of {Name(type)} that JSON can say, got {value} ({value.GetType().Name})");
        }
    }

    private static object? ReadText(PrimitiveType type, string text) => type switch
    {
        StringType => text,
        DateType => TimeParser.TryDate(text, out int days) ? days : null,
        TimeType => TimeParser.TryTime(text, out long nanos) && nanos % 1000 == 0 ? nanos / 1000 : null,
        TimestampType(bool zone) => Timestamp(text, zone, 1000),
        TimestampNanoType(bool zone) => Timestamp(text, zone, 1),
        UuidType => Guid.TryParseExact(text, "D", out var uuid) ? uuid : null,
        FixedType(int length) => Hex(text) is { } bytes && bytes.Length == length ? bytes : null,
        BinaryType => Hex(text),
        DecimalType(int precision, int scale) => ReadDecimal(text, precision, scale),
        _ => null,
    };

    private static object? Timestamp(string text, bool zone, long nanosPerUnit)
    {
        if (!TimeParser.TryTimestamp(text, out var timestamp) || timestamp.HasZone != zone)
        {
            return null;
        }

        var units = TimeParser.FloorDivide(timestamp.Nanos, nanosPerUnit);
        return units * nanosPerUnit == timestamp.Nanos && units >= long.MinValue && units <= long.MaxValue ? (long)units : null;
    }

    private static object? ReadDecimal(string text, int precision, int scale)
    {
        int point = text.IndexOf('.', StringComparison.Ordinal);
        string digits = point < 0 ? text : text.Remove(point, 1);
        int written = point < 0 ? 0 : text.Length - point - 1;
        return written == scale && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var unscaled)
            && BigInteger.Abs(unscaled) < BigInteger.Pow(10, precision)
                ? new Decimal128((Int128)unscaled, scale)
                : null;
    }

    private static byte[]? Hex(string text)
    {
        var bytes = new byte[text.Length / 2];
        return text.Length % 2 == 0 && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done ? bytes : null;
    }

    private static Dictionary<int, object?> ReadStruct(StructType type, JsonObject json)
    {
        var values = new Dictionary<int, object?>();
        foreach (var (name, member) in json)
        {
            var field = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? type.Fields.FirstOrDefault(one => one.Id == id) : null;
            values[field?.Id ?? throw Refused(type, json)] = Read(field.Type, member);
        }

        return values;
    }

    private static List<KeyValuePair<object, object?>> ReadMap(MapType type, JsonObject json)
    {
        if (json["keys"] is not JsonArray keys || json["values"] is not JsonArray values || keys.Count != values.Count)
        {
            throw Refused(type, json);
        }

        return [.. keys.Zip(values).Select(pair => KeyValuePair.Create(
            Read(type.Key, pair.First) ?? throw Refused(type, json),
            Read(type.Value, pair.Second) ?? (type.ValueRequired ? throw Refused(type, json) : null)))];
    }

    private static FormatException Refused(IcebergType type, JsonNode json) => new($"expected a value of {Name(type)}, got {json.ToJsonString()}");

    private static string Name(IcebergType type) => type is PrimitiveType primitive ? primitive.Spelling : type.GetType().Name;
}
