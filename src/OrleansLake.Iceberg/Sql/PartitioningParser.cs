namespace OrleansLake.Iceberg.Sql;

/// <summary>Partition fields and sort fields over the columns of a statement.</summary>
internal sealed class PartitioningParser(Schema schema)
{
    private int _nextId = SpecJson.FirstFieldId;

    /// <summary><c>day(ts)</c>, <c>days(ts)</c>, <c>bucket(id, 16)</c>, <c>bucket(16, id)</c>, <c>truncate(name, 4)</c>, a column.</summary>
    public PartitionField Field(TokenReader tokens)
    {
        var (at, path, transform) = Typed(tokens);
        var source = Find(path[0], path);
        if (!transform.AppliesTo(source.Type))
        {
            throw TokenReader.Error(at, $"{transform} does not apply to {Text(path)} of type {(source.Type is PrimitiveType type ? TypeText.Write(type) : "struct, list or map")}");
        }

        string suffix = transform switch
        {
            Transform.Identity => "",
            Transform.Bucket => "_bucket",
            Transform.Truncate => "_trunc",
            Transform.Void => "_null",
            _ => "_" + transform,
        };
        return new PartitionField(_nextId++, Text(path) + suffix, [source.Id], transform);
    }

    /// <summary>A partition field as typed, whatever columns there are.</summary>
    public static (Token At, List<Token> Path, Transform Transform) Typed(TokenReader tokens)
    {
        var at = tokens.Next;
        var path = tokens.Path("a column or a transform of one");
        if (path.Count > 1 || at.Kind == TokenKind.Quoted || !tokens.TrySymbol('('))
        {
            return (at, path, new Transform.Identity());
        }

        string name = at.Text.ToLowerInvariant();
        switch (name)
        {
            case "bucket" or "truncate":
                int? argument = tokens.Next.Kind == TokenKind.Number ? tokens.Number("a number") : null;
                if (argument is not null)
                {
                    tokens.Symbol(',');
                }

                var source = tokens.Path("a column");
                if (argument is null)
                {
                    tokens.Symbol(',', "',' and a number");
                    argument = tokens.Number("a number");
                }

                tokens.Symbol(')');
                if (argument <= 0)
                {
                    throw TokenReader.Error(at, $"expected {name} of at least 1, got {argument}");
                }

                return (at, source, name == "bucket" ? new Transform.Bucket(argument.Value) : new Transform.Truncate(argument.Value));
            case "identity" or "year" or "years" or "month" or "months" or "day" or "days" or "date" or "hour" or "hours" or "date_hour" or "void":
                var column = tokens.Path("a column");
                tokens.Symbol(')');
                return (at, column, Transform.Parse(name));
            default:
                throw tokens.Expected("a transform (year, month, day, hour, bucket, truncate, void) or a column", at);
        }
    }

    /// <summary>A column, perhaps with ASC or DESC and NULLS FIRST or LAST.</summary>
    public SortField Sort(TokenReader tokens)
    {
        var at = tokens.Next;
        var field = Find(at, tokens.Path("a column"));
        var (descending, nullsLast) = Direction(tokens);
        return new SortField([field.Id], new Transform.Identity(), descending, nullsLast);
    }

    /// <summary>ASC or DESC, NULLS FIRST or LAST, or what is meant where neither is said.</summary>
    public static (bool Descending, bool NullsLast) Direction(TokenReader tokens)
    {
        bool descending = tokens.TryWord("DESC");
        if (!descending)
        {
            tokens.TryWord("ASC");
        }

        bool nullsLast = descending;
        if (tokens.TryWord("NULLS"))
        {
            nullsLast = tokens.TryWord("LAST") || (tokens.TryWord("FIRST") ? false : throw tokens.Expected("FIRST or LAST"));
        }

        return (descending, nullsLast);
    }

    /// <summary>By the very name; where none has it and one alone differs by case, that one.</summary>
    private NestedField Find(Token at, List<Token> path)
    {
        string name = Text(path);
        if (schema.FindField(name) is { } exact)
        {
            return exact;
        }

        var alike = schema.AllFields().Where(field => name.Equals(schema.FindPath(field.Id), StringComparison.OrdinalIgnoreCase)).Take(2).ToList();
        return alike.Count == 1 ? alike[0] : throw TokenReader.Error(at, $"expected a column of the table, got {name}");
    }

    private static string Text(List<Token> path) => string.Join('.', path.Select(token => token.Text));
}
