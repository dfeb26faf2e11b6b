namespace OrleansLake.Iceberg.Sql;

/// <summary>Column types by the names that Trino and Spark give them.</summary>
/// <param name="tokens">What is read.</param>
/// <param name="spark">Whether a bare TIMESTAMP is an instant, as in Spark, or a wall clock, as in Trino.</param>
internal sealed class TypeParser(TokenReader tokens, bool spark)
{
    private const int MaxDepth = 64;
    private int _depth;
    private int _lastId;

    public int NextId() => ++_lastId;

    public IcebergType Type()
    {
        var at = tokens.Next;
        if (at.Kind != TokenKind.Word)
        {
            throw tokens.Expected("a type");
        }

        if (++_depth > MaxDepth)
        {
            throw TokenReader.Error(at, $"expected types nested at most {MaxDepth} deep");
        }

        tokens.Take();
        IcebergType type = at.Text.ToUpperInvariant() switch
        {
            "BOOLEAN" or "BOOL" => new BooleanType(),
            "TINYINT" or "SMALLINT" or "BYTE" or "SHORT" or "INT" or "INTEGER" => new IntegerType(),
            "BIGINT" or "LONG" => new LongType(),
            "REAL" or "FLOAT" => new FloatType(),
            "DOUBLE" => Double(),
            "DECIMAL" or "DEC" or "NUMERIC" => Decimal(at),
            "VARCHAR" or "CHAR" or "CHARACTER" => Sized(new StringType()),
            "STRING" or "TEXT" => new StringType(),
            "VARBINARY" => Sized(new BinaryType()),
            "BINARY" => new BinaryType(),
            "FIXED" => new FixedType(Bracketed("a length")),
            "UUID" => new UuidType(),
            "DATE" => new DateType(),
            "TIME" => Time(),
            "TIMESTAMP" => Timestamp(),
            "TIMESTAMPTZ" or "TIMESTAMP_LTZ" => new TimestampType(true),
            "TIMESTAMP_NTZ" => new TimestampType(false),
            "TIMESTAMP_NS" => new TimestampNanoType(false),
            "TIMESTAMPTZ_NS" => new TimestampNanoType(true),
            "VARIANT" => new VariantType(),
            "VOID" or "UNKNOWN" => new UnknownType(),
            "GEOMETRY" => new GeometryType(null),
            "GEOGRAPHY" => new GeographyType(null, null),
            "ARRAY" or "LIST" => List(),
            "MAP" => Map(),
            "ROW" or "STRUCT" => Struct(),
            _ => throw tokens.Expected("a type (BOOLEAN, INTEGER, BIGINT, REAL, DOUBLE, DECIMAL(p, s), VARCHAR, VARBINARY, UUID, DATE, TIME, TIMESTAMP, ARRAY, MAP, ROW …)", at),
        };
        _depth--;
        return type;
    }

    private IcebergType Double()
    {
        tokens.TryWord("PRECISION");
        return new DoubleType();
    }

    private IcebergType Decimal(Token at)
    {
        // The dialects disagree on what a bare DECIMAL is: (38, 0) or (10, 0).
        tokens.Symbol('(', "'(' with precision and scale");
        int precision = tokens.Number("a precision");
        int scale = tokens.TrySymbol(',') ? tokens.Number("a scale") : 0;
        tokens.Symbol(')');
        return precision is >= 1 and <= 38 && scale <= precision
            ? new DecimalType(precision, scale)
            : throw TokenReader.Error(at, $"expected a precision of 1 to 38 and a scale not above it, got decimal({precision}, {scale})");
    }

    private IcebergType Sized(IcebergType type)
    {
        if (tokens.Next.IsSymbol('('))
        {
            Bracketed("a length");
        }

        return type;
    }

    private int Bracketed(string what)
    {
        tokens.Symbol('(');
        int number = tokens.Number(what);
        tokens.Symbol(')');
        return number;
    }

    private IcebergType Time()
    {
        var at = tokens.Next;
        if (at.IsSymbol('(') && Bracketed("a precision") > 6)
        {
            throw TokenReader.Error(at, "expected a precision of at most 6: a time is kept in microseconds");
        }

        return new TimeType();
    }

    private IcebergType Timestamp()
    {
        var at = tokens.Next;
        int? precision = at.IsSymbol('(') ? Bracketed("a precision") : null;
        bool zone = tokens.TryWords("WITH", "TIME", "ZONE") || tokens.TryWords("WITH", "LOCAL", "TIME", "ZONE");
        bool wallClock = !zone && tokens.TryWords("WITHOUT", "TIME", "ZONE");
        zone |= spark && !wallClock && precision is null;
        return precision switch
        {
            null or <= 6 => new TimestampType(zone),
            9 => new TimestampNanoType(zone),
            _ => throw TokenReader.Error(at, $"expected a precision of at most 6 (microseconds) or 9 (nanoseconds), got {precision}"),
        };
    }

    private char Open(out char close)
    {
        char open = tokens.TrySymbol('(') ? '(' : tokens.TrySymbol('<') ? '<' : throw tokens.Expected("'(' or '<'");
        close = open == '(' ? ')' : '>';
        return open;
    }

    private IcebergType List()
    {
        Open(out char close);
        int id = NextId();
        var element = Type();
        tokens.Symbol(close);
        return new ListType(id, element, ElementRequired: false);
    }

    private IcebergType Map()
    {
        Open(out char close);
        int keyId = NextId(), valueId = NextId();
        var key = Type();
        tokens.Symbol(',');
        var value = Type();
        tokens.Symbol(close);
        return new MapType(keyId, key, valueId, value, ValueRequired: false);
    }

    private IcebergType Struct()
    {
        Open(out char close);
        var names = new HashSet<string>(StringComparer.Ordinal);
        return new StructType(tokens.List(close, () =>
        {
            var name = tokens.Name("a field name");
            if (!names.Add(name.Text))
            {
                throw TokenReader.Error(name, $"expected each field once, got {name.Text} twice");
            }

            tokens.TrySymbol(':');
            int id = NextId();
            var type = Type();
            bool required = tokens.TryWords("NOT", "NULL");
            return new NestedField(id, name.Text, required, type) { Doc = tokens.TryWord("COMMENT") ? tokens.Text("a comment in quotes") : null };
        }));
    }
}
