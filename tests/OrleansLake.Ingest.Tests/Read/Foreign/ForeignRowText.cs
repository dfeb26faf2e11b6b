using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Tests.Read.Foreign;

/// <summary>Who made the JSON of a row.</summary>
internal enum RowMaker
{
    Ours,
    ClickHouse,
    Icebird,
}

/// <summary>
/// The rows of three readers as one text: what an engine cannot show (ClickHouse null lists and parts of a second of a time of day,
/// icebird micro- and nanoseconds, digits of a decimal beyond a double's, bytes that are no UTF-8) is left out of ours too.
/// </summary>
/// <param name="maker">Whose JSON it is.</param>
/// <param name="engine">Whom it is held against.</param>
internal sealed class ForeignRowText(RowMaker maker, RowMaker engine)
{
    public string Of(Schema schema, JsonObject row) => string.Join(" | ", schema.Fields.Select(field => $"{field.Name}={Of(field.Type, row[field.Name])}"));

    /// <summary>What ClickHouse is asked to show: bytes as hexadecimal.</summary>
    public static string Columns(Schema schema) => string.Join(", ", schema.Fields.Select(field =>
    {
        string name = '"' + field.Name.Replace("\"", "\\\"", StringComparison.Ordinal) + '"';
        return field.Type is BinaryType or FixedType ? $"lower(hex({name})) AS {name}" : name;
    }));

    private string Of(IcebergType type, JsonNode? value) => (type, value) switch
    {
        (StructType structure, null) when engine == RowMaker.ClickHouse => Of(structure, new JsonObject()),
        (ListType, null) when engine == RowMaker.ClickHouse => "[]",
        (MapType, null) when engine == RowMaker.ClickHouse => "{}",
        (_, null) => "null",
        (StructType structure, _) => "(" + string.Join(',', structure.Fields.Select(field => Of(field.Type, value.AsObject()[field.Name]))) + ")",
        (ListType list, _) => "[" + string.Join(',', value.AsArray().Select(element => Of(list.Element, element))) + "]",
        (MapType map, _) => "{" + string.Join(',', value.AsObject().Select(pair => $"{pair.Key}:{Of(map.Value, pair.Value)}").Order(StringComparer.Ordinal)) + "}",
        (FloatType, _) => float.Parse(value.ToString(), CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture),
        (DoubleType, _) => double.Parse(value.ToString(), CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture),
        (DecimalType, _) when engine == RowMaker.Icebird => double.Parse(value.ToString(), CultureInfo.InvariantCulture).ToString("G13", CultureInfo.InvariantCulture),
        (DecimalType, _) => Digits(value.ToString()),
        (DateType, _) => value.ToString()[..10],
        (TimeType, _) => Time(value.ToString()),
        (TimestampType or TimestampNanoType, _) => Moment(value.ToString()),
        (BinaryType or FixedType, _) => Bytes(value.ToString()),
        (UuidType, _) => value.ToString() is { } text && text.StartsWith("hex:", StringComparison.Ordinal) ? new Guid(Convert.FromHexString(text[4..]), bigEndian: true).ToString() : value.ToString(),
        (BooleanType, _) => value.ToString().ToLowerInvariant(),
        _ => value.ToString(),
    };

    private static string Digits(string text) => text.Contains('.', StringComparison.Ordinal) ? text.TrimEnd('0').TrimEnd('.') : text;

    private string Time(string text)
    {
        long micros = maker == RowMaker.Ours ? TimeOnly.Parse(text, CultureInfo.InvariantCulture).Ticks / 10
            : maker == RowMaker.ClickHouse ? long.Parse(text, CultureInfo.InvariantCulture) * 1_000_000
            : long.Parse(text, CultureInfo.InvariantCulture);
        return (engine == RowMaker.ClickHouse ? micros / 1_000_000 : micros).ToString(CultureInfo.InvariantCulture);
    }

    // 2023-11-14T22:13:20.123456+00:00, 2023-11-14 22:13:20.123456, 2023-11-14T22:13:20.123Z
    private string Moment(string text)
    {
        string fraction = text.Length > 19 && text[19] == '.' ? new string([.. text.Skip(20).TakeWhile(char.IsAsciiDigit)]) : "";
        return text[..19].Replace(' ', 'T') + "." + fraction.PadRight(9, '0')[..(engine == RowMaker.Icebird ? 3 : 9)];
    }

    private string Bytes(string text)
    {
        byte[] bytes = maker switch
        {
            RowMaker.Ours => Convert.FromBase64String(text),
            RowMaker.ClickHouse => Convert.FromHexString(text),
            _ => text.StartsWith("hex:", StringComparison.Ordinal) ? Convert.FromHexString(text[4..]) : Encoding.UTF8.GetBytes(text),
        };
        return Convert.ToHexStringLower(engine == RowMaker.Icebird ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes)) : bytes);
    }
}
