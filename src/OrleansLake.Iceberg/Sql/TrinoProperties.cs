namespace OrleansLake.Iceberg.Sql;

/// <summary>
/// Table properties by Trino's names, as WITH (…) and SET PROPERTIES have them.
/// https://trino.io/docs/current/connector/iceberg.html#table-properties
/// </summary>
internal sealed class TrinoProperties(TokenReader tokens)
{
    private const string BloomColumn = "write.parquet.bloom-filter-enabled.column.";

    /// <summary>Those that are one property of Iceberg's, and what its value is.</summary>
    private static readonly Dictionary<string, (string Name, Func<TokenReader, string> Value)> Plain = new(StringComparer.Ordinal)
    {
        ["compression_codec"] = ("write.parquet.compression-codec", reader => reader.Text("a codec in single quotes").ToLowerInvariant()),
        ["data_location"] = ("write.data.path", reader => reader.Text("a location in single quotes").TrimEnd('/')),
        ["delete_after_commit_enabled"] = ("write.metadata.delete-after-commit.enabled", Flag),
        ["max_commit_retry"] = ("commit.retry.num-retries", Count),
        ["max_previous_versions"] = ("write.metadata.previous-versions-max", Count),
        ["object_store_layout_enabled"] = ("write.object-storage.enabled", Flag),
    };

    /// <summary>The texts of <c>partitioning</c>; null where it is not said.</summary>
    public List<Token>? Partitioning { get; private set; }

    /// <summary>The texts of <c>sorted_by</c>; null where it is not said.</summary>
    public List<Token>? SortedBy { get; private set; }

    /// <summary>Where the table shall be; null where it is not said.</summary>
    public Token? Location { get; private set; }

    /// <summary>The format version as typed; null where it is not said.</summary>
    public Token? FormatVersion { get; private set; }

    /// <summary>Iceberg's properties; null what is to be as if it had never been said.</summary>
    public Dictionary<string, string?> Properties { get; } = new(StringComparer.Ordinal);

    /// <summary>The columns of <c>parquet_bloom_filter_columns</c>, which are all that have one; null where it is not said.</summary>
    public IReadOnlyList<string>? BloomColumns { get; private set; }

    /// <summary>Reads <c>name = value</c>, or <c>name = DEFAULT</c>.</summary>
    public bool Read()
    {
        var key = tokens.Name("a table property");
        string name = key.Text.ToLowerInvariant();
        tokens.Symbol('=');
        bool reset = tokens.TryWord("DEFAULT");
        if (Plain.TryGetValue(name, out var plain))
        {
            Properties[plain.Name] = reset ? null : plain.Value(tokens);
            return true;
        }

        switch (name)
        {
            case "partitioning":
                Partitioning = reset ? [] : TextList();
                break;
            case "sorted_by":
                SortedBy = reset ? [] : TextList();
                break;
            case "parquet_bloom_filter_columns":
                BloomColumns = reset ? [] : TextList().ConvertAll(column => column.Text);
                break;
            case "format":
                var format = tokens.Next;
                if (!reset && !tokens.Text("'PARQUET'").Equals("parquet", StringComparison.OrdinalIgnoreCase))
                {
                    throw tokens.Expected("'PARQUET'", format);
                }

                break;
            case "format_version" when !reset:
                FormatVersion = tokens.Take();
                break;
            case "location" when !reset:
                Location = tokens.Next;
                tokens.Text("a location in single quotes");
                break;
            case "extra_properties" when !reset:
                ReadExtra(key);
                break;
            default:
                throw reset
                    ? TokenReader.Error(key, $"{name} has no DEFAULT")
                    : tokens.Expected($"one of partitioning, sorted_by, format, format_version, location, extra_properties, parquet_bloom_filter_columns, {string.Join(", ", Plain.Keys)}", key);
        }

        return true;
    }

    /// <summary>What the table's properties become, those that it has now given.</summary>
    public IEnumerable<(string Name, string? Value)> Changes(IEnumerable<string> now)
    {
        foreach (var (name, value) in Properties)
        {
            yield return (name, value);
        }

        if (BloomColumns is not null)
        {
            foreach (string name in now.Where(name => name.StartsWith(BloomColumn, StringComparison.Ordinal) && !BloomColumns.Contains(name[BloomColumn.Length..])))
            {
                yield return (name, null);
            }

            foreach (string column in BloomColumns)
            {
                yield return (BloomColumn + column, "true");
            }
        }
    }

    /// <summary>Each of these texts is a little statement of its own; errors in it are placed where it starts.</summary>
    public static List<T> Each<T>(List<Token> texts, Func<TokenReader, T> parse) => texts.ConvertAll(text =>
    {
        try
        {
            var inner = new TokenReader(new DdlLexer(text.Text).Tokens());
            var parsed = parse(inner);
            inner.End();
            return parsed;
        }
        catch (DdlException e)
        {
            string problem = e.Message[(e.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..];
            throw new DdlException(text.Line, text.Column, $"in '{text.Text}': {problem}");
        }
    });

    private static string Flag(TokenReader reader) => reader.TryWord("true") ? "true" : reader.TryWord("false") ? "false" : throw reader.Expected("true or false");

    private static string Count(TokenReader reader) => FormattableString.Invariant($"{reader.Number("a number")}");

    private void ReadExtra(Token key)
    {
        tokens.Word("MAP");
        tokens.Symbol('(');
        var names = TextList();
        tokens.Symbol(',');
        var values = TextList();
        tokens.Symbol(')');
        if (names.Count != values.Count)
        {
            throw TokenReader.Error(key, $"expected as many values as names, got {names.Count} names and {values.Count} values");
        }

        foreach (var (name, value) in names.Zip(values))
        {
            Properties[name.Text] = value.Text;
        }
    }

    private List<Token> TextList()
    {
        tokens.Word("ARRAY");
        tokens.Symbol('[');
        return tokens.TrySymbol(']')
            ? []
            : tokens.List(']', () => tokens.Next.Kind == TokenKind.Text ? tokens.Take() : throw tokens.Expected("a text in single quotes"));
    }
}
