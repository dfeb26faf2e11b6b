using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using static OrleansLake.Ingest.Tests.Decode.Decoding;

namespace OrleansLake.Ingest.Tests.Decode;

public sealed class JsonTypesTests
{
    private static readonly Dictionary<string, IcebergType> Types = new()
    {
        ["boolean"] = new BooleanType(),
        ["int"] = new IntegerType(),
        ["long"] = new LongType(),
        ["float"] = new FloatType(),
        ["double"] = new DoubleType(),
        ["decimal(9,2)"] = new DecimalType(9, 2),
        ["decimal(18,0)"] = new DecimalType(18, 0),
        ["decimal(38,10)"] = new DecimalType(38, 10),
        ["date"] = new DateType(),
        ["time"] = new TimeType(),
        ["timestamp"] = new TimestampType(WithZone: false),
        ["timestamptz"] = new TimestampType(WithZone: true),
        ["timestamptz_ns"] = new TimestampNanoType(WithZone: true),
        ["string"] = new StringType(),
        ["uuid"] = new UuidType(),
        ["fixed[4]"] = new FixedType(4),
        ["binary"] = new BinaryType(),
    };

    [Theory]
    [InlineData("boolean", "true", "true")]
    [InlineData("boolean", "\"true\"", "wrong-type")]
    [InlineData("boolean", "1", "wrong-type")]
    [InlineData("int", "2147483647", "2147483647")]
    [InlineData("int", "-2147483648", "-2147483648")]
    [InlineData("int", "2147483648", "out-of-range")]
    [InlineData("int", "1.0", "1")]
    [InlineData("int", "1.5", "inexact")]
    [InlineData("int", "\"1\"", "wrong-type")]
    [InlineData("int", "true", "wrong-type")]
    [InlineData("long", "9223372036854775807", "9223372036854775807")]
    [InlineData("long", "-9223372036854775808", "-9223372036854775808")]
    [InlineData("long", "9223372036854775808", "out-of-range")]
    [InlineData("long", "-9223372036854775809", "out-of-range")]
    [InlineData("long", "12345678901234567890123", "out-of-range")]
    [InlineData("long", "1e18", "1000000000000000000")]
    [InlineData("long", "1e19", "out-of-range")]
    [InlineData("long", "1e999999999999999999999", "out-of-range")]
    [InlineData("long", "123000e-3", "123")]
    [InlineData("long", "1e-1", "inexact")]
    [InlineData("long", "-0", "0")]
    [InlineData("long", "0e5", "0")]
    [InlineData("long", "00", "malformed-json")]
    [InlineData("long", "+1", "malformed-json")]
    [InlineData("long", "1.", "malformed-json")]
    [InlineData("long", ".5", "malformed-json")]
    [InlineData("long", "-", "malformed-json")]
    [InlineData("long", "1e", "malformed-json")]
    [InlineData("float", "3.4028235e38", "3.4028235E+38")]
    [InlineData("float", "3.4028236e38", "out-of-range")]
    [InlineData("float", "0.1", "0.1")]
    [InlineData("float", "\"NaN\"", "wrong-type")]
    [InlineData("double", "1", "1")]
    [InlineData("double", "-0.0", "-0")]
    [InlineData("double", "1.7976931348623157e308", "1.7976931348623157E+308")]
    [InlineData("double", "1.7976931348623159e308", "out-of-range")]
    [InlineData("double", "5e-324", "5E-324")]
    [InlineData("double", "1e-400", "0")]
    [InlineData("double", "NaN", "malformed-json")]
    [InlineData("double", "\"1\"", "wrong-type")]
    [InlineData("decimal(9,2)", "1234567.89", "1234567.89")]
    [InlineData("decimal(9,2)", "-0.5", "-0.50")]
    [InlineData("decimal(9,2)", "12345678", "out-of-range")]
    [InlineData("decimal(9,2)", "1.005", "inexact")]
    [InlineData("decimal(9,2)", "1.500", "1.50")]
    [InlineData("decimal(9,2)", "125e-2", "1.25")]
    [InlineData("decimal(9,2)", "\"1.5\"", "wrong-type")]
    [InlineData("decimal(18,0)", "999999999999999999", "999999999999999999")]
    [InlineData("decimal(18,0)", "1000000000000000000", "out-of-range")]
    [InlineData("decimal(38,10)", "-1234567890123456789012345678.0123456789", "-1234567890123456789012345678.0123456789")]
    [InlineData("decimal(38,10)", "12345678901234567890123456789", "out-of-range")]
    [InlineData("decimal(38,10)", "0.00000000001", "inexact")]
    [InlineData("date", "\"2024-02-29\"", "\"2024-02-29\"")]
    [InlineData("date", "\"2023-02-29\"", "malformed-text")]
    [InlineData("date", "\"1582-10-15\"", "\"1582-10-15\"")]
    [InlineData("date", "\"0001-01-01\"", "\"0001-01-01\"")]
    [InlineData("date", "\"0000-12-31\"", "malformed-text")]
    [InlineData("date", "\"2024-2-9\"", "malformed-text")]
    [InlineData("date", "\"2024-02-29T00:00:00\"", "malformed-text")]
    [InlineData("date", "19000", "wrong-type")]
    [InlineData("time", "\"23:59:59.999999\"", "\"23:59:59.999999\"")]
    [InlineData("time", "\"07:41\"", "\"07:41:00.000000\"")]
    [InlineData("time", "\"24:00:00\"", "malformed-text")]
    [InlineData("time", "\"12:00:00Z\"", "malformed-text")]
    [InlineData("time", "\"12:00:00.0000001\"", "inexact")]
    [InlineData("timestamp", "\"2022-07-26T07:41:48.000773\"", "\"2022-07-26T07:41:48.000773\"")]
    [InlineData("timestamp", "\"2022-07-26 07:41:48\"", "\"2022-07-26T07:41:48.000000\"")]
    [InlineData("timestamp", "\"2022-07-26T07:41:48Z\"", "malformed-text")]
    [InlineData("timestamp", "\"1969-12-31T23:59:59.999999\"", "\"1969-12-31T23:59:59.999999\"")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48.000773+00:00\"", "\"2022-07-26T07:41:48.000773+00:00\"")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:37.260514+00:00\"", "\"2022-07-26T07:41:37.260514+00:00\"")]
    [InlineData("timestamptz", "\"2022-07-26t07:41:48z\"", "\"2022-07-26T07:41:48.000000+00:00\"")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48-05:30\"", "\"2022-07-26T13:11:48.000000+00:00\"")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48+0200\"", "\"2022-07-26T05:41:48.000000+00:00\"")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48+02\"", "\"2022-07-26T05:41:48.000000+00:00\"")]
    [InlineData("timestamptz", "\"2022-07-26T07:41Z\"", "\"2022-07-26T07:41:00.000000+00:00\"")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48\"", "malformed-text")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48.1234567Z\"", "inexact")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48.123456000Z\"", "\"2022-07-26T07:41:48.123456+00:00\"")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48.1234560000001Z\"", "inexact")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:48,5Z\"", "malformed-text")]
    [InlineData("timestamptz", "\"2022-07-26T07:41:60Z\"", "malformed-text")]
    [InlineData("timestamptz", "\"2022-13-26T07:41:48Z\"", "malformed-text")]
    [InlineData("timestamptz", "\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000T00:00:00Z\"", "malformed-text")]
    [InlineData("timestamptz", "1658821308", "wrong-type")]
    [InlineData("timestamptz_ns", "\"2022-07-26T07:41:48.123456789Z\"", "\"2022-07-26T07:41:48.123456789+00:00\"")]
    [InlineData("timestamptz_ns", "\"2022-07-26T07:41:48.1234567891Z\"", "inexact")]
    [InlineData("timestamptz_ns", "\"2300-01-01T00:00:00Z\"", "out-of-range")]
    [InlineData("string", "\"a\\u00e9\\ud83d\\ude00\"", "\"aé\\uD83D\\uDE00\"")]
    [InlineData("string", "1", "wrong-type")]
    [InlineData("string", "{}", "wrong-type")]
    [InlineData("string", "[]", "wrong-type")]
    [InlineData("uuid", "\"F47AC10B-58cc-4372-a567-0e02b2c3d479\"", "\"f47ac10b-58cc-4372-a567-0e02b2c3d479\"")]
    [InlineData("uuid", "\"f47ac10b58cc4372a5670e02b2c3d479\"", "malformed-text")]
    [InlineData("uuid", "\"{47ac10b-58cc-4372-a567-0e02b2c3d479}\"", "malformed-text")]
    [InlineData("fixed[4]", "\"AAECAw==\"", "\"AAECAw==\"")]
    [InlineData("fixed[4]", "\"AAEC\"", "out-of-range")]
    [InlineData("binary", "\"AAEC\\/w==\"", "\"AAEC/w==\"")]
    [InlineData("binary", "\"AAEC_w==\"", "malformed-text")]
    [InlineData("binary", "\"AA EC\"", "malformed-text")]
    [InlineData("binary", "\"AAE\"", "malformed-text")]
    [InlineData("binary", "\"AAF=\"", "malformed-text")]
    [InlineData("binary", "\"\"", "\"\"")]
    public void A_token_becomes_a_value_or_is_refused_for_its_reason(string type, string token, string expected)
    {
        // Alone, after another field, and in a list.
        var schema = SchemaOf(
            Optional(1, "v", Types[type]),
            Optional(2, "list", new ListType(3, Types[type], ElementRequired: false)));
        foreach (int width in Widths)
        {
            var decoding = new Decoding(schema, new JsonDecoderOptions { VectorWidth = width });
            var (rows, rejected) = decoding.Run($"{{\"v\":{token}}}", $"{{ \"list\" : [ {token} , null ] }}", "{}");
            Assert.NotNull(rows[2]);
            if (rejected.Count == 0)
            {
                Assert.Equal($"{{\"v\":{expected},\"list\":null}}", rows[0]);
                Assert.Equal($"{{\"v\":null,\"list\":[{expected},null]}}", rows[1]);
            }
            else
            {
                Assert.Equal([expected, expected], rejected.Select(r => r.Reason.ErrorClass()));
                Assert.Equal(["v", "list[0]"], rejected.Select(r => r.Path));
            }
        }
    }

    [Fact]
    public void Fractions_are_cut_only_where_that_was_asked_for()
    {
        var schema = SchemaOf(Optional(1, "v", new TimestampType(WithZone: true)), Optional(2, "t", new TimeType()));
        var decoding = new Decoding(schema, new JsonDecoderOptions { CutFraction = true });
        Assert.Equal(
            """{"v":"2022-07-26T07:41:48.123456+00:00","t":"01:02:03.999999"}""",
            decoding.Row("""{"v":"2022-07-26T07:41:48.123456999Z","t":"01:02:03.9999999"}"""));
    }

    [Fact]
    public void Longs_of_every_length_and_sign_are_what_they_say()
    {
        var random = new Random(8);
        var culture = System.Globalization.CultureInfo.InvariantCulture;
        foreach (int width in Widths)
        {
            var decoding = new Decoding(SchemaOf(Optional(1, "v", new LongType()), Optional(2, "w", new LongType())), new JsonDecoderOptions { VectorWidth = width });
            var values = new List<long> { 0, long.MaxValue, long.MinValue };
            for (int i = 0; i < 4_000; i++)
            {
                long magnitude = random.NextInt64() >> random.Next(64);
                values.Add(i % 2 == 0 ? magnitude : -magnitude);
            }

            // Both what a comma and what a brace ends.
            var documents = values.Select(value => (byte[]?)Encoding.UTF8.GetBytes(string.Create(culture, $"{{\"v\":{value},\"w\":{value}}}"))).ToList();
            var (rows, rejected) = decoding.Run(documents);
            Assert.Empty(rejected);
            Assert.Equal(documents.Select(document => Encoding.UTF8.GetString(document!)), rows);

            foreach (string wrong in new[] { "-", "--1", "01", "-01", "-012345", "1-", "+1", "1 2", "00000000000000001", "-a" })
            {
                Assert.Single(decoding.Run([Encoding.UTF8.GetBytes($"{{\"v\":{wrong},\"w\":1}}")]).Rejected);
            }
        }
    }

    [Fact]
    public void Doubles_are_the_nearest_ones()
    {
        var schema = SchemaOf(Optional(1, "v", new DoubleType()));
        var decoding = new Decoding(schema);
        var random = new Random(7);
        var texts = new List<string>
        {
            "9007199254740993", "9007199254740992.999999999999999999", "1.00000000000000011102230246251565404236316680908203125", "2.2250738585072011e-308", "2.2250738585072014e-308",
            "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "6.9294956446009195e15", "3.2378839133029012895883524125015321748630094e28", "7.3177701707893310e+15",
            "1e23", "8.5e22", "89255.8893799200009", "0.000000000000000000000000000000000000000000000000012345", "123456789012345678", "1234567890123456789", "12345678901234567890",
        };
        for (int i = 0; i < 20_000; i++)
        {
            double value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            if (double.IsFinite(value))
            {
                texts.Add(value.ToString(i % 3 == 0 ? "E16" : i % 3 == 1 ? "R" : "E25", System.Globalization.CultureInfo.InvariantCulture));
            }

            texts.Add($"{random.NextInt64()}e{random.Next(-340, 289)}");
            string whole = random.NextInt64(1L << random.Next(1, 40)).ToString(System.Globalization.CultureInfo.InvariantCulture);
            string fraction = random.NextInt64(1_000_000_000_000_000_000).ToString("D18", System.Globalization.CultureInfo.InvariantCulture) + "70";
            texts.Add($"{(i % 2 == 0 ? "-" : "")}{whole}.{fraction[..random.Next(1, 21)]}");
        }

        var columns = Ingest.Write.IcebergParquet.ToParquet(schema);
        var rows = new Parquet.ColumnBatch(columns);
        var documents = texts.Select(text => (byte[]?)Encoding.UTF8.GetBytes($"{{\"v\":{text}}}")).ToList();
        using var batch = Batch(documents, [0]);
        var rejected = new List<RejectedRecord>();
        for (int first = 0; first < documents.Count;)
        {
            rows.Clear();
            int next = decoding.Decoder.Decode(batch, first, rows, rejected);
            Assert.Empty(rejected);
            for (int i = first; i < next; i++)
            {
                double expected = double.Parse(texts[i], System.Globalization.CultureInfo.InvariantCulture);
                Assert.True(expected.Equals(rows.Columns[0].Doubles[i - first]), texts[i]);
            }

            first = next;
        }
    }
}
