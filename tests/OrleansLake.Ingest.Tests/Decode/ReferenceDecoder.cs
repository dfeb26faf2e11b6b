using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>The same job the slow way: System.Text.Json for the grammar, regular expressions and big integers for the types.</summary>
internal static partial class ReferenceDecoder
{
    private sealed class Refused(string why) : Exception(why);

    /// <summary>The row as JSON, or null where the document is to be refused.</summary>
    public static string? Row(byte[] document, Schema schema)
    {
        if (!Utf8.IsValid(document))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(document, new JsonDocumentOptions { MaxDepth = 128, AllowDuplicateProperties = true });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            using var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream, Decoding.Relaxed))
            {
                Struct(writer, schema.Fields, json.RootElement);
            }

            return Encoding.UTF8.GetString(stream.ToArray());
        }
        catch (Exception e) when (e is JsonException or Refused)
        {
            return null;
        }
    }

    private static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static void Struct(Utf8JsonWriter json, IReadOnlyList<NestedField> fields, JsonElement value)
    {
        var last = new Dictionary<string, JsonElement>();
        foreach (var property in value.EnumerateObject())
        {
            if (NameOf(property) is { } name)
            {
                last[name] = property.Value;
            }
        }

        json.WriteStartObject();
        foreach (var field in fields)
        {
            json.WritePropertyName(field.Name);
            if (last.TryGetValue(field.Name, out var found))
            {
                Value(json, field.Type, field.Required, found);
            }
            else if (field.Required)
            {
                throw new Refused("missing");
            }
            else
            {
                json.WriteNullValue();
            }
        }

        json.WriteEndObject();
    }

    private static void Value(Utf8JsonWriter json, IcebergType type, bool required, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            if (required)
            {
                throw new Refused("null");
            }

            json.WriteNullValue();
            return;
        }

        switch (type, value.ValueKind)
        {
            case (StructType x, JsonValueKind.Object):
                Struct(json, x.Fields, value);
                break;
            case (ListType x, JsonValueKind.Array):
                json.WriteStartArray();
                foreach (var element in value.EnumerateArray())
                {
                    Value(json, x.Element, x.ElementRequired, element);
                }

                json.WriteEndArray();
                break;
            case (MapType x, JsonValueKind.Object):
                var entries = new List<(string Key, JsonElement Value)>();
                foreach (var property in value.EnumerateObject())
                {
                    string key = Key(x.Key, NameOf(property) ?? throw new Refused("surrogate"));
                    entries.RemoveAll(entry => entry.Key == key);
                    entries.Add((key, property.Value));
                }

                json.WriteStartObject();
                foreach (var (key, element) in entries)
                {
                    json.WritePropertyName(key);
                    Value(json, x.Value, x.ValueRequired, element);
                }

                json.WriteEndObject();
                break;
            case (BooleanType, JsonValueKind.True or JsonValueKind.False):
                json.WriteBooleanValue(value.GetBoolean());
                break;
            case (PrimitiveType x, JsonValueKind.Number):
                Number(json, x, value.GetRawText());
                break;
            case (PrimitiveType x, JsonValueKind.String):
                string text;
                try
                {
                    text = value.GetString()!;
                }
                catch (InvalidOperationException)
                {
                    throw new Refused("surrogate");
                }

                Text(json, x, text);
                break;
            default:
                throw new Refused("type");
        }
    }

    private static string Key(IcebergType type, string text)
    {
        if (type is StringType)
        {
            return text;
        }

        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Decoding.Relaxed))
        {
            switch (type)
            {
                case BooleanType:
                    json.WriteBooleanValue(text == "true" || (text == "false" ? false : throw new Refused("key")));
                    break;
                case IntegerType or LongType or FloatType or DoubleType or DecimalType:
                    Number(json, (PrimitiveType)type, NumberForm().IsMatch(text) ? text : throw new Refused("key"));
                    break;
                default:
                    Text(json, (PrimitiveType)type, text);
                    break;
            }
        }

        using var document = JsonDocument.Parse(stream.ToArray());
        return document.RootElement.ValueKind == JsonValueKind.String ? document.RootElement.GetString()! : document.RootElement.GetRawText();
    }

    private static void Number(Utf8JsonWriter json, PrimitiveType type, string text)
    {
        switch (type)
        {
            case IntegerType:
                var exact = Exact(text, 0);
                json.WriteNumberValue(exact >= int.MinValue && exact <= int.MaxValue ? (int)exact : throw new Refused("range"));
                break;
            case LongType:
                exact = Exact(text, 0);
                json.WriteNumberValue(exact >= long.MinValue && exact <= long.MaxValue ? (long)exact : throw new Refused("range"));
                break;
            case FloatType:
                float single = float.Parse(text, CultureInfo.InvariantCulture);
                json.WriteNumberValue(float.IsFinite(single) ? single : throw new Refused("range"));
                break;
            case DoubleType:
                double value = double.Parse(text, CultureInfo.InvariantCulture);
                json.WriteNumberValue(double.IsFinite(value) ? value : throw new Refused("range"));
                break;
            case DecimalType x:
                exact = Exact(text, x.Scale);
                if (BigInteger.Abs(exact) >= BigInteger.Pow(10, x.Precision))
                {
                    throw new Refused("range");
                }

                string digits = BigInteger.Abs(exact).ToString(CultureInfo.InvariantCulture).PadLeft(x.Scale + 1, '0');
                json.WriteRawValue((exact < 0 ? "-" : "") + digits[..^x.Scale] + (x.Scale > 0 ? "." + digits[^x.Scale..] : ""));
                break;
            default:
                throw new Refused("type");
        }
    }

    private static BigInteger Exact(string text, int scale)
    {
        var match = NumberForm().Match(text);
        string fraction = match.Groups["f"].Value;
        var digits = BigInteger.Parse(match.Groups["i"].Value + fraction, CultureInfo.InvariantCulture);
        if (digits.IsZero)
        {
            return 0;
        }

        var exponent = (match.Groups["e"].Success ? BigInteger.Parse(match.Groups["e"].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0) - fraction.Length + scale;
        if (exponent > 100)
        {
            throw new Refused("range");
        }

        if (exponent < 0)
        {
            if (-exponent > text.Length)
            {
                throw new Refused("inexact");
            }

            digits = BigInteger.DivRem(digits, BigInteger.Pow(10, (int)-exponent), out var rest);
            if (!rest.IsZero)
            {
                throw new Refused("inexact");
            }
        }
        else
        {
            digits *= BigInteger.Pow(10, (int)exponent);
        }

        return text[0] == '-' ? -digits : digits;
    }

    private static void Text(Utf8JsonWriter json, PrimitiveType type, string text)
    {
        switch (type)
        {
            case StringType:
                json.WriteStringValue(text);
                break;
            case DateType:
                var match = Matched(DateForm(), text);
                json.WriteStringValue(TimeText.Date(Day(match)));
                break;
            case TimeType:
                match = Matched(TimeForm(), text);
                json.WriteStringValue(TimeText.Time((long)(TimeOfDay(match, 6) ?? throw new Refused("inexact"))));
                break;
            case TimestampType or TimestampNanoType:
                bool withZone = type is TimestampType { WithZone: true } or TimestampNanoType { WithZone: true };
                int places = type is TimestampType ? 6 : 9;
                match = Matched(TimestampForm(), text);
                if (match.Groups["z"].Success != withZone)
                {
                    throw new Refused("zone");
                }

                var unit = BigInteger.Pow(10, places);
                var value = (Day(match) * 86_400L * unit) + (TimeOfDay(match, places) ?? throw new Refused("inexact"));
                if (match.Groups["zh"].Success)
                {
                    var minutes = (int.Parse(match.Groups["zh"].Value, CultureInfo.InvariantCulture) * 60) + (match.Groups["zm"].Success ? int.Parse(match.Groups["zm"].Value, CultureInfo.InvariantCulture) : 0);
                    value -= (match.Groups["zs"].Value == "-" ? -60 : 60) * minutes * unit;
                }

                if (value < long.MinValue || value > long.MaxValue)
                {
                    throw new Refused("range");
                }

                json.WriteStringValue((places == 6 ? TimeText.Timestamp((long)value) : TimeText.TimestampNanos((long)value)) + (withZone ? "+00:00" : ""));
                break;
            case UuidType:
                Matched(UuidForm(), text);
                json.WriteStringValue(text.ToLowerInvariant());
                break;
            case FixedType or BinaryType:
                byte[] bytes;
                try
                {
                    bytes = Convert.FromBase64String(text);
                }
                catch (FormatException)
                {
                    throw new Refused("base64");
                }

                if (Convert.ToBase64String(bytes) != text || (type is FixedType x && bytes.Length != x.Length))
                {
                    throw new Refused("base64");
                }

                json.WriteBase64StringValue(bytes);
                break;
            default:
                throw new Refused("type");
        }
    }

    private static Match Matched(Regex form, string text) => form.Match(text) is { Success: true } match ? match : throw new Refused("form");

    private static int Day(Match match) =>
        DateTime.TryParseExact(match.Groups["d"].Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? (int)(day - DateTime.UnixEpoch).TotalDays
            : throw new Refused("day");

    private static BigInteger? TimeOfDay(Match match, int places)
    {
        var seconds = (BigInteger)TimeSpan.ParseExact(match.Groups["t"].Value + (match.Groups["s"].Success ? "" : ":00"), @"hh\:mm\:ss", CultureInfo.InvariantCulture).TotalSeconds;
        string fraction = match.Groups["f"].Value.TrimEnd('0');
        return fraction.Length > places ? null : (seconds * BigInteger.Pow(10, places)) + BigInteger.Parse("0" + fraction.PadRight(places, '0'), CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"\A-?(?<i>0|[1-9][0-9]*)(\.(?<f>[0-9]+))?([eE](?<e>[+-]?[0-9]+))?\z")]
    private static partial Regex NumberForm();

    [GeneratedRegex(@"\A(?<d>[0-9]{4}-[0-9]{2}-[0-9]{2})\z")]
    private static partial Regex DateForm();

    [GeneratedRegex(@"\A(?<t>([01][0-9]|2[0-3]):[0-5][0-9](?<s>:[0-5][0-9])?)(?(s)(\.(?<f>[0-9]+))?)\z")]
    private static partial Regex TimeForm();

    [GeneratedRegex(@"\A(?<d>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?<t>([01][0-9]|2[0-3]):[0-5][0-9](?<s>:[0-5][0-9])?)(?(s)(\.(?<f>[0-9]+))?)(?<z>[Zz]|(?<zs>[+-])(?<zh>[01][0-9]|2[0-3])(:?(?<zm>[0-5][0-9]))?)?\z")]
    private static partial Regex TimestampForm();

    [GeneratedRegex(@"\A[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\z")]
    private static partial Regex UuidForm();
}
