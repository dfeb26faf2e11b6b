using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OrleansLake.Parquet;

/// <summary>
/// Variants as JSON: decimals as numbers with all their digits, dates and times in ISO 8601, bytes in base64, what no JSON number
/// can say as text.
/// </summary>
public static class VariantJson
{
    /// <summary>The text of a variant.</summary>
    public static string Text(Variant variant)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = Variant.DeepestNesting + 1 }))
        {
            Write(json, variant);
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>Appends a variant.</summary>
    public static void Write(Utf8JsonWriter json, Variant variant) => Write(json, variant, 0);

    private static void Write(Utf8JsonWriter json, Variant variant, int depth)
    {
        if (depth > Variant.DeepestNesting)
        {
            throw new ParquetFormatException($"variant: nested more than {Variant.DeepestNesting} deep");
        }

        switch (variant.Kind)
        {
            case VariantKind.Null:
                json.WriteNullValue();
                break;
            case VariantKind.Boolean:
                json.WriteBooleanValue(variant.GetBoolean());
                break;
            case VariantKind.Int8 or VariantKind.Int16 or VariantKind.Int32 or VariantKind.Int64:
                json.WriteNumberValue(variant.GetInt64());
                break;
            case VariantKind.Float:
                WriteFloating(json, (float)variant.GetDouble());
                break;
            case VariantKind.Double:
                WriteFloating(json, variant.GetDouble());
                break;
            case VariantKind.Decimal4 or VariantKind.Decimal8 or VariantKind.Decimal16:
                var (unscaled, scale) = variant.GetDecimal();
                json.WriteRawValue(VariantText.Decimal(unscaled, scale), skipInputValidation: true);
                break;
            case VariantKind.Date:
                json.WriteStringValue(VariantText.Date(variant.GetInt64()));
                break;
            case VariantKind.Time:
                json.WriteStringValue(VariantText.Time(variant.GetInt64(), 6));
                break;
            case VariantKind.Timestamp:
                json.WriteStringValue(VariantText.Timestamp(variant.GetInt64(), 6) + "+00:00");
                break;
            case VariantKind.TimestampNtz:
                json.WriteStringValue(VariantText.Timestamp(variant.GetInt64(), 6));
                break;
            case VariantKind.TimestampNanos:
                json.WriteStringValue(VariantText.Timestamp(variant.GetInt64(), 9) + "+00:00");
                break;
            case VariantKind.TimestampNanosNtz:
                json.WriteStringValue(VariantText.Timestamp(variant.GetInt64(), 9));
                break;
            case VariantKind.String:
                json.WriteStringValue(Utf8(variant.GetBytes()));
                break;
            case VariantKind.Binary:
                json.WriteBase64StringValue(variant.GetBytes());
                break;
            case VariantKind.Uuid:
                json.WriteStringValue(new Guid(variant.GetBytes(), bigEndian: true));
                break;
            case VariantKind.Object:
                json.WriteStartObject();
                for (int i = 0; i < variant.Count; i++)
                {
                    json.WritePropertyName(Utf8(variant.FieldName(i)));
                    Write(json, variant[i], depth + 1);
                }

                json.WriteEndObject();
                break;
            default:
                json.WriteStartArray();
                for (int i = 0; i < variant.Count; i++)
                {
                    Write(json, variant[i], depth + 1);
                }

                json.WriteEndArray();
                break;
        }
    }

    // Text that is not UTF-8 gets replacement characters: JSON cannot hold it.
    private static string Utf8(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private static void WriteFloating(Utf8JsonWriter json, float value)
    {
        if (float.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void WriteFloating(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
        }
    }
}
