using System.Globalization;
using System.Text;
using OrleansLake.Iceberg;

namespace OrleansLake.Ingest.Tests.Decode;

/// <summary>Schemas and documents from a seed: mostly fitting, in every notation that JSON has, and mutated.</summary>
internal sealed class RandomDocuments(Random random)
{
    private static readonly string[] Names = ["a", "id", "name", "naïve", "a rather long field name of more than 32 bytes", "price", "time", "x y", "quo\"te", "back\\slash", "日本", "n_commits", "eightchr", "sixteencharacter"];

    private static readonly string[] Tokens =
    [
        "true", "false", "null", "0", "-0", "1", "-1", "1.0", "1.5", "1e3", "1E+2", "100e-2", "0.1", "123456789", "2147483647", "2147483648", "-2147483648", "-2147483649",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "12345678901234567890", "99999999999999999999999999999999999999",
        "100000000000000000000000000000000000000", "0.00000000000000000000000000000000000001", "3.4028235e38", "3.4028236e38", "1e39", "1e308", "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "-1e400",
        "4.9e-324", "2e-324", "1e-400", "0e999999999999", "0.0", "1.7976931348623158e+308", "123.45", "9999999.99", "12345678.901", "0.005", "1.10", "-7.50",
        "\"\"", "\"a\"", "\"1\"", "\"true\"", "\"2022-07-26\"", "\"2022-02-29\"", "\"2024-02-29\"", "\"0000-01-01\"", "\"9999-12-31\"", "\"07:41:48.000773\"", "\"07:41\"", "\"24:00:00\"", "\"23:59:59.9999999\"",
        "\"2022-07-26T07:41:48.000773+00:00\"", "\"2022-07-26 07:41:48Z\"", "\"2022-07-26T07:41:48\"", "\"2022-07-26T07:41\"", "\"2022-07-26T07:41:48.123456789Z\"", "\"2022-07-26T07:41:48.1234560Z\"",
        "\"2022-07-26T07:41:60Z\"", "\"2022-07-26T07:41:48.+00:00\"", "\"2022-07-26T07:41:48+0530\"", "\"2022-07-26T07:41:48-23\"", "\"2022-07-26T07:41:48+24:00\"", "\"1677-09-21T00:12:43.145224193Z\"", "\"2300-01-01T00:00:00Z\"",
        "\"2022-07-26T07:41:48\\u005A\"", "\"f47ac10b-58cc-4372-a567-0e02b2c3d479\"", "\"F47AC10B-58CC-4372-A567-0E02B2C3D47\"", "\"f47ac10b-58cc-4372-a567-0e02b2c3d47+\"", "\"AAECAw==\"", "\"AAEC\"", "\"AAECAx==\"", "\"AAE C\"", "\"AAE\\/\"",
        "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00x\"", "\"\\n\\t\\\"\\\\\\/\\b\\f\\r\\u00e9\\u20ac\\u0000\"", "\"é€😀\"", "[]", "{}", "[1]", "{\"a\":1}", "[null]", "{\"a\":null}", "{\"a\":1,\"a\":2}",
    ];

    private int _nextId;

    public Schema Schema()
    {
        _nextId = 1;
        return new Schema { SchemaId = 0, Fields = Fields(random.Next(1, 8), 0) };
    }

    public byte[] Document(Schema schema)
    {
        var text = new StringBuilder();
        Space(text);
        Struct(text, schema.Fields);
        Space(text);
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        if (random.Next(4) == 0)
        {
            bytes = Mutate(bytes);
        }

        return bytes;
    }

    public byte[] Garbage()
    {
        byte[][] choices = ["\",\"9}]: 1e5tru\\"u8.ToArray(), "0123456789"u8.ToArray(), "\""u8.ToArray(), " "u8.ToArray(), "}"u8.ToArray(), [0x80], "\\"u8.ToArray()];
        return choices[random.Next(choices.Length)];
    }

    private List<NestedField> Fields(int count, int depth)
    {
        string[] names = [.. Names];
        random.Shuffle(names);
        return names.Take(count).Select(name => new NestedField(_nextId++, name, random.Next(12) == 0, Type(depth))).ToList();
    }

    private IcebergType Type(int depth) => random.Next(depth < 3 ? 24 : 17) switch
    {
        0 => new BooleanType(),
        1 => new IntegerType(),
        2 => new LongType(),
        3 => new FloatType(),
        4 or 5 => new DoubleType(),
        6 => new DecimalType(9, 2),
        7 => random.Next(2) == 0 ? new DecimalType(18, 3) : new DecimalType(38, 10),
        8 => new DateType(),
        9 => new TimeType(),
        10 => new TimestampType(WithZone: false),
        11 => new TimestampType(WithZone: true),
        12 => new TimestampNanoType(WithZone: random.Next(2) == 0),
        13 or 14 => new StringType(),
        15 => new UuidType(),
        16 => random.Next(2) == 0 ? new FixedType(4) : new BinaryType(),
        17 or 18 or 19 => new StructType(Fields(random.Next(1, 5), depth + 1)),
        20 or 21 => new ListType(_nextId++, Type(depth + 1), random.Next(6) == 0),
        _ => new MapType(_nextId++, KeyType(), _nextId++, Type(depth + 1), random.Next(6) == 0),
    };

    private IcebergType KeyType() => random.Next(8) switch
    {
        0 => new LongType(),
        1 => new BooleanType(),
        2 => new DateType(),
        3 => new DoubleType(),
        4 => new DecimalType(9, 2),
        _ => new StringType(),
    };

    private void Struct(StringBuilder text, IReadOnlyList<NestedField> fields)
    {
        var order = fields.ToArray();
        if (random.Next(4) == 0)
        {
            random.Shuffle(order);
        }

        text.Append('{');
        bool first = true;
        foreach (var field in order)
        {
            if (random.Next(8) == 0 && !field.Required)
            {
                continue;
            }

            int times = random.Next(25) == 0 ? 2 : 1;
            for (int i = 0; i < times; i++)
            {
                Separate(text, ref first);
                Name(text, field.Name);
                Value(text, field.Type);
            }

            if (random.Next(10) == 0)
            {
                Separate(text, ref first);
                Name(text, random.Next(5) == 0 ? "\\ud800" : "unknown" + random.Next(3), raw: true);
                text.Append(random.Next(3) == 0 ? "{\"x\":[1,{\"y\":\"é\\u0041\"},[]],\"z\":{}}" : Tokens[random.Next(Tokens.Length)]);
            }
        }

        Space(text);
        text.Append('}');
    }

    private void Separate(StringBuilder text, ref bool first)
    {
        if (!first)
        {
            Space(text);
            text.Append(',');
        }

        Space(text);
        first = false;
    }

    private void Name(StringBuilder text, string name, bool raw = false)
    {
        if (raw)
        {
            text.Append('"').Append(name).Append('"');
        }
        else
        {
            Quote(text, name);
        }

        Space(text);
        text.Append(':');
        Space(text);
    }

    private void Value(StringBuilder text, IcebergType type)
    {
        int luck = random.Next(60);
        if (luck == 0)
        {
            text.Append(Tokens[random.Next(Tokens.Length)]);
            return;
        }

        if (luck < 5)
        {
            text.Append("null");
            return;
        }

        switch (type)
        {
            case StructType x:
                Struct(text, x.Fields);
                break;
            case ListType x:
                text.Append('[');
                bool first = true;
                for (int i = random.Next(5); i > 0; i--)
                {
                    Separate(text, ref first);
                    Value(text, x.Element);
                }

                Space(text);
                text.Append(']');
                break;
            case MapType x:
                text.Append('{');
                first = true;
                int count = random.Next(30) == 0 ? 60 : random.Next(5);
                for (int i = 0; i < count; i++)
                {
                    Separate(text, ref first);
                    string key = x.Key switch
                    {
                        StringType => random.Next(count > 5 ? 100_000 : 12).ToString(CultureInfo.InvariantCulture) + (random.Next(3) == 0 ? "é" : ""),
                        BooleanType => random.Next(2) == 0 ? "true" : "false",
                        DateType => $"2022-01-{random.Next(1, 32):D2}",
                        _ => random.Next(-9, 9).ToString(CultureInfo.InvariantCulture) + (random.Next(3) == 0 ? ".0" : ""),
                    };
                    Name(text, key);
                    Value(text, x.Value);
                }

                text.Append('}');
                break;
            default:
                text.Append(Primitive(type));
                break;
        }
    }

    private string Primitive(IcebergType type)
    {
        string micros = random.Next(3) == 0 ? "" : "." + random.Next(1_000_000).ToString("D6", CultureInfo.InvariantCulture)[..random.Next(1, 7)];
        string date = new DateTime(random.NextInt64(DateTime.MinValue.Ticks, DateTime.MaxValue.Ticks)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        string time = $"{random.Next(24):D2}:{random.Next(60):D2}:{random.Next(60):D2}{micros}";
        string zone = random.Next(3) switch { 0 => "Z", 1 => "+00:00", _ => $"-{random.Next(24):D2}:{random.Next(60):D2}" };
        return type switch
        {
            BooleanType => random.Next(2) == 0 ? "true" : "false",
            IntegerType => random.Next(int.MinValue, int.MaxValue).ToString(CultureInfo.InvariantCulture),
            LongType => (random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64)).ToString(CultureInfo.InvariantCulture),
            FloatType => (random.NextSingle() * Math.Pow(10, random.Next(-40, 39))).ToString(random.Next(2) == 0 ? "R" : "F3", CultureInfo.InvariantCulture),
            DoubleType => random.Next(3) switch
            {
                0 => (random.NextDouble() * 1000).ToString("F2", CultureInfo.InvariantCulture),
                1 => Math.Abs(BitConverter.Int64BitsToDouble(random.NextInt64()) is var d && double.IsFinite(d) ? d : 1.5).ToString("R", CultureInfo.InvariantCulture),
                _ => random.NextDouble().ToString("E20", CultureInfo.InvariantCulture),
            },
            DecimalType x => (random.NextInt64() % (long)Math.Pow(10, Math.Min(18, x.Precision)) * (decimal)Math.Pow(10, -x.Scale)).ToString(CultureInfo.InvariantCulture),
            DateType => $"\"{date}\"",
            TimeType => $"\"{time}\"",
            TimestampType x => $"\"{date}T{time}{(x.WithZone ? zone : "")}\"",
            TimestampNanoType x => $"\"20{random.Next(10, 99)}-0{random.Next(1, 10)}-1{random.Next(10)}T{time}{(x.WithZone ? zone : "")}\"",
            UuidType => $"\"{Guid(random)}\"",
            FixedType x => $"\"{Convert.ToBase64String(Bytes(x.Length))}\"",
            BinaryType => $"\"{Convert.ToBase64String(Bytes(random.Next(100)))}\"",
            _ => Quoted(),
        };
    }

    private static Guid Guid(Random random)
    {
        byte[] bytes = new byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private string Quoted()
    {
        var value = new StringBuilder();
        int length = random.Next(10) == 0 ? random.Next(300) : random.Next(40);
        bool ascii = random.Next(3) > 0;
        while (value.Length < length)
        {
            value.Append(ascii || random.Next(8) > 0 ? (char)random.Next(0x20, 0x7F) : random.Next(4) switch { 0 => "é", 1 => "€", 2 => "😀", _ => "\n" });
        }

        var text = new StringBuilder();
        Quote(text, value.ToString());
        return text.ToString();
    }

    private void Quote(StringBuilder text, string value)
    {
        text.Append('"');
        bool escapes = random.Next(12) == 0;
        foreach (char c in value)
        {
            if (c is '"' or '\\' or < ' ' || (escapes && random.Next(3) == 0))
            {
                text.Append(c switch
                {
                    '"' when random.Next(2) == 0 => "\\\"",
                    '\\' when random.Next(2) == 0 => "\\\\",
                    '\n' when random.Next(2) == 0 => "\\n",
                    '/' when random.Next(2) == 0 => "\\/",
                    _ => $"\\u{(int)c:x4}",
                });
            }
            else
            {
                text.Append(c);
            }
        }

        text.Append('"');
    }

    private void Space(StringBuilder text)
    {
        if (random.Next(20) == 0)
        {
            text.Append(random.Next(5) switch { 0 => "\n", 1 => "\t", 2 => "\r\n", 3 => new string(' ', random.Next(100)), _ => " " });
        }
    }

    private byte[] Mutate(byte[] bytes)
    {
        var result = bytes.ToList();
        for (int i = random.Next(1, 4); i > 0 && result.Count > 0; i--)
        {
            int at = random.Next(result.Count);
            switch (random.Next(6))
            {
                case 0: result.RemoveAt(at); break;
                case 1: result.Insert(at, (byte)random.Next(256)); break;
                case 2: result[at] = (byte)random.Next(256); break;
                case 3: result.RemoveRange(at, result.Count - at); break;
                case 4: result[at] = (byte)"\"\\{}[]:,0e.-+tfn \n"[random.Next(18)]; break;
                default: result.InsertRange(at, Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)])); break;
            }
        }

        return [.. result];
    }
}
