using System.Text.Json.Nodes;
using System.Globalization;

namespace OrleansLake.Iceberg.Sql;

/// <summary>CREATE TABLE as Trino and Spark have it.</summary>
internal sealed class CreateTableParser
{
    private readonly TokenReader _tokens;
    private readonly TypeParser _types;
    private readonly Dictionary<string, string> _properties = new(StringComparer.Ordinal);
    private Schema _schema = new() { SchemaId = 0, Fields = [] };
    private List<PartitionField>? _partitioning;
    private List<SortField>? _sorting;
    private string? _location;
    private int _formatVersion = 2;

    public CreateTableParser(string sql)
    {
        var lexer = new DdlLexer(sql);
        _tokens = new TokenReader(lexer.Tokens());
        bool spark = lexer.HasBackticks || _tokens.All.Any(token =>
            token.IsWord("USING") || token.IsWord("PARTITIONED") || token.IsWord("TBLPROPERTIES") || token.IsSymbol('<'));
        _types = new TypeParser(_tokens, spark);
    }

    public TableDefinition Parse()
    {
        _tokens.Word("CREATE");
        _tokens.Word("TABLE");
        _tokens.TryWords("IF", "NOT", "EXISTS");
        var name = _tokens.Next.IsSymbol('(') ? null : Ddl.Identifier(_tokens);
        var open = _tokens.Next;
        _tokens.Symbol('(', "'(' and the columns");
        var columns = _tokens.List(')', Column);
        foreach (var twice in columns.GroupBy(column => column.Field.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            throw TokenReader.Error(twice.Last().At, $"expected each column once, got {twice.Key} twice");
        }

        _schema = new Schema { SchemaId = 0, Fields = [.. columns.Select(column => column.Field)] };
        while (_tokens.Next.Kind != TokenKind.End && !_tokens.Next.IsSymbol(';'))
        {
            Clause();
        }

        _tokens.End();
        var creation = new TableCreation
        {
            Schema = _schema,
            PartitionSpec = _partitioning is null ? null : new PartitionSpec { SpecId = 0, Fields = _partitioning },
            SortOrder = _sorting is null ? null : new SortOrder { OrderId = 1, Fields = _sorting },
            Location = _location,
            FormatVersion = _formatVersion,
            Properties = _properties,
        };
        try
        {
            SchemaRules.Check(_schema, _formatVersion);
            if (creation.PartitionSpec is { } spec)
            {
                SchemaRules.Check(spec, _schema);
            }
        }
        catch (ArgumentException e)
        {
            throw TokenReader.Error(open, e.Message);
        }

        return new TableDefinition(name, creation);
    }

    private (Token At, NestedField Field) Column()
    {
        var at = _tokens.Name("a column name");
        if (at.Kind == TokenKind.Word && (at.IsWord("PRIMARY") || at.IsWord("CONSTRAINT") || at.IsWord("FOREIGN") || at.IsWord("UNIQUE")) && _tokens.Next.Kind == TokenKind.Word)
        {
            throw TokenReader.Error(at, $"expected a column, got {at.Text.ToUpperInvariant()}: an Iceberg table has no constraints");
        }

        int id = _types.NextId();
        var type = _types.Type();
        bool required = false;
        string? doc = null;
        JsonNode? initial = null;
        for (; ; )
        {
            if (_tokens.TryWord("DEFAULT"))
            {
                initial = SingleValueJson.Write(type, Ddl.Default(_tokens, type));
            }
            else if (_tokens.TryWords("NOT", "NULL"))
            {
                required = true;
            }
            else if (_tokens.TryWord("COMMENT"))
            {
                doc = _tokens.Text("a comment in single quotes");
            }
            else if (!_tokens.TryWord("NULL"))
            {
                return (at, new NestedField(id, at.Text, required, type) { Doc = doc, InitialDefault = initial, WriteDefault = initial?.DeepClone() });
            }
        }
    }

    private void Clause()
    {
        if (_tokens.TryWord("COMMENT"))
        {
            _properties["comment"] = _tokens.Text("a comment in single quotes");
        }
        else if (_tokens.TryWord("USING"))
        {
            var format = _tokens.Name("ICEBERG");
            if (!format.Text.Equals("iceberg", StringComparison.OrdinalIgnoreCase))
            {
                throw _tokens.Expected("ICEBERG", format);
            }
        }
        else if (_tokens.TryWord("LOCATION"))
        {
            _location = _tokens.Text("a location in single quotes");
        }
        else if (_tokens.TryWord("PARTITIONED"))
        {
            _tokens.Word("BY");
            _tokens.Symbol('(');
            var partitioning = new PartitioningParser(_schema);
            _partitioning = _tokens.List(')', () => partitioning.Field(_tokens));
        }
        else if (_tokens.TryWord("TBLPROPERTIES"))
        {
            _tokens.Symbol('(');
            _tokens.List(')', SparkProperty);
        }
        else if (_tokens.TryWord("WITH"))
        {
            _tokens.Symbol('(');
            var properties = new TrinoProperties(_tokens);
            _tokens.List(')', properties.Read);
            Take(properties);
        }
        else
        {
            throw _tokens.Expected("COMMENT, WITH, PARTITIONED BY, TBLPROPERTIES, LOCATION, USING or the end");
        }
    }

    private bool SparkProperty()
    {
        var (name, value) = Ddl.Property(_tokens);
        if (name == "format-version")
        {
            SetFormatVersion(value);
        }
        else
        {
            _properties[name] = value.Text;
        }

        return true;
    }

    private void Take(TrinoProperties properties)
    {
        if (properties.Partitioning is { } partitioning)
        {
            _partitioning = TrinoProperties.Each(partitioning, new PartitioningParser(_schema).Field);
        }

        if (properties.SortedBy is { } sortedBy)
        {
            _sorting = TrinoProperties.Each(sortedBy, new PartitioningParser(_schema).Sort);
        }

        if (properties.FormatVersion is { } version)
        {
            SetFormatVersion(version);
        }

        _location = properties.Location?.Text ?? _location;
        foreach (var (name, value) in properties.Changes([]))
        {
            if (value is not null)
            {
                _properties[name] = value;
            }
        }
    }

    private void SetFormatVersion(Token value)
    {
        if (!int.TryParse(value.Text, NumberStyles.None, CultureInfo.InvariantCulture, out _formatVersion) || _formatVersion is not (2 or 3))
        {
            throw _tokens.Expected("format version 2 or 3", value);
        }
    }
}
