namespace OrleansLake.Iceberg.Tests.Scans;

public sealed class WhereParserTests
{
    private static readonly Schema Table = new()
    {
        SchemaId = 0,
        Fields =
        [
            new(1, "id", true, new LongType()), new(2, "n", false, new IntegerType()), new(3, "price", false, new DecimalType(9, 2)), new(4, "ratio", false, new DoubleType()),
            new(5, "actor", false, new StringType()), new(6, "ts", false, new TimestampType(true)), new(7, "wall", false, new TimestampType(false)), new(8, "day", false, new DateType()),
            new(9, "time", false, new TimeType()), new(10, "key", false, new UuidType()), new(11, "raw", false, new BinaryType()), new(12, "active", false, new BooleanType()),
            new(13, "nano", false, new TimestampNanoType(true)), new(14, "small", false, new FloatType()),
            new(15, "order", false, new StructType([new(16, "Total", true, new IntegerType()), new(17, "a.b", false, new StringType())])),
            new(18, "tags", false, new ListType(19, new StringType(), false)),
        ],
    };

    [Theory]
    [InlineData("id = 5", "id = 5")]
    [InlineData("5 < id", "id > 5")]
    [InlineData("ID >= +5 and \"n\" != -1", "id >= 5 AND n <> -1")]
    [InlineData("ts >= TIMESTAMP '2025-01-31 12:30:00' and actor like 'a%'", "ts >= '2025-01-31T12:30:00+00:00' AND actor STARTS WITH 'a'")]
    [InlineData("ts < '2025-01-31T12:30:00.123456+02:00'", "ts < '2025-01-31T10:30:00.123456+00:00'")]
    [InlineData("ts = timestamp '2025-01-31 12:30:00.1 UTC'", "ts = '2025-01-31T12:30:00.1+00:00'")]
    [InlineData("wall > date '2025-01-31'", "wall > '2025-01-31T00:00:00'")]
    [InlineData("nano = TIMESTAMP '1969-12-31 23:59:59.999999999Z'", "nano = '1969-12-31T23:59:59.999999999+00:00'")]
    [InlineData("day between DATE '2024-02-29' and '2025-01-01'", "day >= '2024-02-29' AND day <= '2025-01-01'")]
    [InlineData("day < TIMESTAMP '2025-01-31 00:00:01'", "day <= '2025-01-31'")]
    [InlineData("time >= TIME '12:30'", "time >= '12:30:00'")]
    [InlineData("price = 1.5", "price = 1.50")]
    [InlineData("price < 1.555", "price <= 1.55")]
    [InlineData("price >= -1.555", "price > -1.56")]
    [InlineData("price = 1.555", "FALSE")]
    [InlineData("price <> 1.555", "price IS NOT NULL")]
    [InlineData("n > 2147483648", "FALSE")]
    [InlineData("n < 2147483648", "n IS NOT NULL")]
    [InlineData("n in (1, 99999999999, 3, 1)", "n IN (1, 3)")]
    [InlineData("n not in (99999999999)", "n IS NOT NULL")]
    [InlineData("n > 2.5", "n > 2")]
    [InlineData("not n > 2.5", "n <= 2")]
    [InlineData("n = 1e3", "n = 1000")]
    [InlineData("ratio = 0.1", "ratio = 0.1")]
    [InlineData("small = 0.1", "small = 0.1")]
    [InlineData("not ratio < 1", "ratio >= 1 OR ratio IS NAN")]
    [InlineData("not (ratio <> 1)", "ratio = 1")]
    [InlineData("is_nan(ratio) or isnull(small)", "ratio IS NAN OR small IS NULL")]
    [InlineData("ratio is not nan", "ratio IS NOT NAN")]
    [InlineData("id is null", "FALSE")]
    [InlineData("id is not null", "TRUE")]
    [InlineData("n is not null", "n IS NOT NULL")]
    [InlineData("active", "active = true")]
    [InlineData("not active and n = 1", "active <> true AND n = 1")]
    [InlineData("active is not true", "active <> true OR active IS NULL")]
    [InlineData("key = UUID '01234567-89ab-cdef-0123-456789abcdef'", "key = '01234567-89ab-cdef-0123-456789abcdef'")]
    [InlineData("raw = X'00ff'", "raw = X'00FF'")]
    [InlineData("order.total = 1", "order.Total = 1")]
    [InlineData("\"order\".\"a.b\" = 'it''s'", "order.a.b = 'it''s'")]
    [InlineData("`order`.total is null", "order.Total IS NULL")]
    [InlineData("actor like 'abc'", "actor = 'abc'")]
    [InlineData("actor like '%'", "actor IS NOT NULL")]
    [InlineData("actor like 'a!%%' escape '!'", "actor STARTS WITH 'a%'")]
    [InlineData("actor not like 'a_c%'", "actor NOT LIKE 'a_c%'")]
    [InlineData("starts_with(actor, 'x')", "actor STARTS WITH 'x'")]
    [InlineData("tags is null", "tags IS NULL")]
    [InlineData("n = 1 or n = 2 and actor = 'x'", "n = 1 OR n = 2 AND actor = 'x'")]
    [InlineData("(n = 1 or n = 2) and actor = 'x'", "(n = 1 OR n = 2) AND actor = 'x'")]
    [InlineData("not (n = 1 or not actor = 'x')", "n <> 1 AND actor = 'x'")]
    [InlineData("true and n = 1", "n = 1")]
    [InlineData("n = 1 or true", "TRUE")]
    public void Conditions_of_Trino_and_Spark_are_read(string where, string bound) => Assert.Equal(bound, Expression.Parse(where).Bind(Table).ToString());

    [Theory]
    [InlineData("", "condition, column 1: expected the name of a column, got the end")]
    [InlineData("n =", "condition, column 4: expected a value, got the end")]
    [InlineData("n = null", "column 5: nothing compares with NULL")]
    [InlineData("n = 1 n = 2", "column 7: expected AND, OR or the end, got \"n\"")]
    [InlineData("n in ()", "column 7: expected a value")]
    [InlineData("n = 'a", "column 5: expected a closing '")]
    [InlineData("n = 1 ; drop", "column 7: expected a name, a value or an operator, got ';'")]
    [InlineData("upper(actor) = 'A'", "column 1: expected one of the functions is_nan, isnull, isnotnull, starts_with")]
    [InlineData("day = DATE '2025-02-30'", "expected a date like 2025-01-31, got '2025-02-30'")]
    [InlineData("(n = 1", "expected ')', got the end")]
    [InlineData("raw = X'0g'", "expected hexadecimal digits")]
    [InlineData("n = 1e", "expected digits behind the exponent")]
    [InlineData("actor like 'a!' escape '!'", "expected a character behind the escape")]
    public void What_is_no_condition_is_refused_with_its_place(string where, string message) => Assert.Contains(message, Assert.Throws<FormatException>(() => Expression.Parse(where)).Message);

    [Theory]
    [InlineData("nothing = 1", "column nothing: the table has none of that name; it has id, n")]
    [InlineData("actor = 1", "column actor: expected a value to compare string with")]
    [InlineData("n = 'x'", "column n: expected a value to compare int with, got 'x'")]
    [InlineData("wall = TIMESTAMP '2025-01-01 00:00:00+01:00'", "column wall: expected a timestamp without zone")]
    [InlineData("tags.element = 'x'", "column tags.element: what lies in a list or map")]
    [InlineData("tags = 'x'", "column tags: = cannot be asked of a struct, list or map")]
    [InlineData("n is nan", "column n: only float and double can be NaN")]
    [InlineData("n like 'x%y'", "column n: LIKE is for text, not int")]
    public void What_does_not_fit_the_table_is_refused_with_the_column(string where, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => Expression.Parse(where).Bind(Table)).Message);

    [Fact]
    public void Nesting_without_end_is_refused_and_long_lists_are_not()
    {
        Assert.Contains("nested at most", Assert.Throws<FormatException>(() => Expression.Parse(new string('(', 100_000))).Message);
        Assert.Equal("id = 1", Expression.Parse(new string('(', 150) + "id = 1" + new string(')', 150)).Bind(Table).ToString());
        Assert.Equal("id = 1", Expression.Parse(string.Concat(Enumerable.Repeat("not ", 100_000)) + "id = 1").Bind(Table).ToString());
        var many = Expression.Parse(string.Join(" or ", Enumerable.Range(0, 20_000).Select(i => $"id = {i}"))).Bind(Table);
        Assert.True(many.Matches(_ => 19_999L));
        Assert.False(many.Matches(_ => 20_000L));
    }

    [Fact]
    public void Values_of_dotnet_stand_for_those_of_the_table()
    {
        var time = new DateTime(2025, 1, 31, 12, 0, 0, DateTimeKind.Utc);
        Assert.Equal("ts = '2025-01-31T12:00:00+00:00'", Expression.Equal("ts", time).Bind(Table).ToString());
        Assert.Equal("ts = '2025-01-31T10:00:00+00:00'", Expression.Equal("ts", new DateTimeOffset(2025, 1, 31, 12, 0, 0, TimeSpan.FromHours(2))).Bind(Table).ToString());
        Assert.Equal("day = '2025-01-31'", Expression.Equal("day", new DateOnly(2025, 1, 31)).Bind(Table).ToString());
        Assert.Equal("time < '12:00:00.000001'", Expression.LessThan("time", new TimeOnly(12, 0, 0, 0, 1)).Bind(Table).ToString());
        Assert.Equal("price > 1.25", Expression.GreaterThan("price", 1.25m).Bind(Table).ToString());
        Assert.Equal("n = 7", Expression.Equal("n", (byte)7).Bind(Table).ToString());
        Assert.Equal("n IS NOT NULL", Expression.LessThan("n", ulong.MaxValue).Bind(Table).ToString());
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() => Expression.Equal("ratio", double.NaN).Bind(Table)).Message);
    }

    [Theory]
    [InlineData("abc", "a%c", true)]
    [InlineData("ac", "a%c", true)]
    [InlineData("abcd", "a%c", false)]
    [InlineData("aXbXc", "a%b%c", true)]
    [InlineData("a😀c", "a_c", true)]
    [InlineData("a😀😀c", "a_c", false)]
    [InlineData("", "%", true)]
    [InlineData("", "_", false)]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "%a%a%a%a%a%a%a%a%a%c", false)]
    [InlineData("mississippi", "%iss%ip%", true)]
    public void Patterns_match_as_in_SQL(string text, string pattern, bool matches)
    {
        Assert.Equal(matches, Expression.Like("actor", pattern).Bind(Table).Matches(_ => text));
        Assert.Equal(!matches, (!Expression.Like("actor", pattern)).Bind(Table).Matches(_ => text));
        Assert.False((!Expression.Like("actor", pattern)).Bind(Table).Matches(_ => null));
    }
}
