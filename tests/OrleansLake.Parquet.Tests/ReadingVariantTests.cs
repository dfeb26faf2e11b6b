using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansLake.Testing;

namespace OrleansLake.Parquet.Tests;

/// <summary>Variants, shredded and whole, as the specifications' own examples have them.</summary>
public sealed class ReadingVariantTests
{
    public static TheoryData<string> ShreddedCases()
    {
        string? cases = SharedData.Find("parquet-testing/shredded_variant/cases.json");
        return cases is null
            ? ["(absent)"]
            : [.. JsonNode.Parse(File.ReadAllText(cases))!.AsArray().Where(item => item!["parquet_file"] is not null).Select(item => item!["parquet_file"]!.ToString())];
    }

    [Theory]
    [MemberData(nameof(ShreddedCases))]
    public void Shredded_variants_are_put_together_again_or_refused(string name)
    {
        string? folder = SharedData.Find("parquet-testing/shredded_variant");
        Assert.SkipWhen(folder is null, "shared/data/parquet-testing is absent");
        var cases = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "cases.json")))!.AsArray();
        var item = cases.Single(item => item!["parquet_file"]?.ToString() == name)!;
        byte[] file = File.ReadAllBytes(Path.Combine(folder, name));
        if (item["error_message"] is not null || item["notes"] is not null)
        {
            var error = Assert.Throws<ParquetFormatException>(() => Read(file));
            Assert.StartsWith("var", error.Message, StringComparison.Ordinal);
            return;
        }

        var files = item["variant_files"] is JsonArray several ? several.Select(one => one?.ToString()).ToList() : [item["variant_file"]?.ToString()];
        var found = Read(file);
        Assert.Equal(files.Count, found.Count);
        for (int row = 0; row < files.Count; row++)
        {
            string? expected = files[row] is { } one ? Describe(Split(File.ReadAllBytes(Path.Combine(folder, one)))) : null;
            Assert.Equal(expected, found[row]);
        }
    }

    [Fact]
    public void Examples_of_the_encoding_give_the_JSON_that_their_makers_named()
    {
        string? folder = SharedData.Find("parquet-testing/variant");
        Assert.SkipWhen(folder is null, "shared/data/parquet-testing is absent");
        string text = File.ReadAllText(Path.Combine(folder, "data_dictionary.json"));
        var expected = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowTrailingCommas = true })!.AsObject();

        // Where the list writes a value otherwise than we do, or only nearly.
        var others = new Dictionary<string, string>
        {
            ["primitive_decimal16"] = "12345678912345678.90",
            ["primitive_decimal4"] = "12.34",
            ["primitive_decimal8"] = "12345678.90",
            ["primitive_time"] = "\"12:33:54.123456\"",
            ["primitive_timestamp"] = "\"2025-04-16T16:34:56.78+00:00\"",
            ["primitive_timestampntz"] = "\"2025-04-16T12:34:56.78\"",
            ["primitive_timestamp_nanos"] = "\"2024-11-07T12:33:54.123456789+00:00\"",
            ["object_primitive"] = """{"boolean_false_field":false,"boolean_true_field":true,"double_field":1.23456789,"int_field":1,"null_field":null,"string_field":"Apache Parquet","timestamp_field":"2025-04-16T12:34:56.78"}""",
        };
        int count = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*.value").Order())
        {
            string name = Path.GetFileNameWithoutExtension(path);
            byte[] metadata = File.ReadAllBytes(Path.ChangeExtension(path, ".metadata"));
            byte[] value = File.ReadAllBytes(path);
            var variant = new Variant(metadata, value);
            variant.Validate();
            Assert.Equal(value.Length, variant.Length);
            string found = VariantJson.Text(variant);
            if (others.TryGetValue(name, out string? other))
            {
                Assert.Equal(other, found);
            }
            else if (!expected.ContainsKey(name))
            {
                Assert.Equal("long_string", name);
                continue;
            }
            else
            {
                Assert.True(JsonNode.DeepEquals(Rounded(expected[name]), Rounded(JsonNode.Parse(found))), $"{name}: {expected[name]} {found}");
            }

            count++;
        }

        Assert.Equal(expected.Count, count);
    }

    [Fact]
    public void Broken_variants_are_refused()
    {
        string? folder = SharedData.Find("parquet-testing/variant");
        Assert.SkipWhen(folder is null, "shared/data/parquet-testing is absent");
        var random = new Random(11);
        int refused = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*.value").Order())
        {
            byte[] metadata = File.ReadAllBytes(Path.ChangeExtension(path, ".metadata"));
            byte[] value = File.ReadAllBytes(path);
            for (int time = 0; time < 300; time++)
            {
                byte[][] both = [[.. metadata], [.. value]];
                byte[] changed = both[random.Next(2)];
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
                if (random.Next(4) == 0)
                {
                    both[1] = both[1][..random.Next(value.Length + 1)];
                }

                try
                {
                    new Variant(both[0], both[1]).Validate();
                    VariantJson.Text(new Variant(both[0], both[1]));
                }
                catch (ParquetFormatException)
                {
                    refused++;
                }
            }
        }

        Assert.True(refused > 1000, $"{refused}");
    }

    [Fact]
    public void A_nest_of_arrays_without_end_is_refused()
    {
        byte[] value = [0];
        for (int depth = 0; depth < 200; depth++)
        {
            value = [3 | 1 << 2, 1, 0, 0, (byte)value.Length, (byte)(value.Length >> 8), .. value];
        }

        byte[] metadata = [1, 0, 0];
        Assert.Throws<ParquetFormatException>(() => new Variant(metadata, value).Validate());
        Assert.Throws<ParquetFormatException>(() => VariantJson.Text(new Variant(metadata, value)));
    }

    [Theory]
    [InlineData(0, "1970-01-01")]
    [InlineData(-1, "1969-12-31")]
    [InlineData(11_016, "2000-02-29")]
    [InlineData(-719_468, "0000-03-01")]
    [InlineData(2_932_897, "+10000-01-01")]
    [InlineData(-719_529, "-0001-12-31")]
    public void Days_become_dates_of_any_year(long days, string date) => Assert.Equal(date, VariantText.Date(days));

    private static JsonNode? Rounded(JsonNode? node) => node switch
    {
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.ToString().AsSpan().ContainsAny('.', 'e', 'E') =>
            JsonValue.Create((double)(float)value.Deserialize<double>()),
        JsonArray array => new JsonArray([.. array.Select(Rounded)]),
        JsonObject fields => new JsonObject(fields.Select(field => KeyValuePair.Create(field.Key, Rounded(field.Value)))),
        _ => node?.DeepClone(),
    };

    private static List<string?> Read(byte[] file)
    {
        var reader = ParquetReader.Open(file);
        var variants = new VariantReader(reader.Schema, "var");
        var found = new List<string?>();
        foreach (var batch in reader.Read())
        {
            variants.Attach(batch);
            while (variants.Read())
            {
                if (!variants.IsNull)
                {
                    variants.Current.Validate();
                }

                found.Add(variants.IsNull ? null : Describe(variants.Current));
            }
        }

        return found;
    }

    private static Variant Split(byte[] both)
    {
        int names = VariantMetadata.Count(both);
        int width = (both[0] >> 6) + 1;
        int length = 1 + width * (names + 2);
        for (int id = 0; id < names; id++)
        {
            length += VariantMetadata.NameOf(both, id).Length;
        }

        return new Variant(both.AsSpan(0, length), both.AsSpan(length));
    }

    /// <summary>Types and values, whatever bytes they are written in.</summary>
    private static string Describe(Variant variant)
    {
        switch (variant.Kind)
        {
            case VariantKind.Object:
                var fields = new List<string>();
                for (int i = 0; i < variant.Count; i++)
                {
                    fields.Add($"{System.Text.Encoding.UTF8.GetString(variant.FieldName(i))}: {Describe(variant[i])}");
                }

                return $"{{{string.Join(", ", fields)}}}";
            case VariantKind.Array:
                var elements = new List<string>();
                for (int i = 0; i < variant.Count; i++)
                {
                    elements.Add(Describe(variant[i]));
                }

                return $"[{string.Join(", ", elements)}]";
            default:
                return $"{variant.Kind} {VariantJson.Text(variant)}";
        }
    }
}
