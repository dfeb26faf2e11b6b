namespace OrleansLake.Iceberg.Tests;

public sealed class DdlTests
{
    [Fact]
    public void The_sample_table_of_the_Starburst_loader_is_read()
    {
        var definition = Ddl.ParseCreateTable("""
            CREATE TABLE IF NOT EXISTS iceberg.demo.sample ( -- the loader's own
                bool BOOLEAN, floating DOUBLE, integer BIGINT, string VARCHAR,
                bools ARRAY(BOOLEAN), floatings ARRAY(DOUBLE), integers ARRAY(BIGINT), strings ARRAY(VARCHAR),
                string_map MAP(VARCHAR, VARCHAR), nested ROW(key VARCHAR, value BIGINT),
                timestamp TIMESTAMP(6) WITH TIME ZONE)
            WITH (format = 'PARQUET', partitioning = ARRAY['day(timestamp)'], sorted_by = ARRAY['integer DESC'], format_version = 2)
            """);

        Assert.Equal("iceberg.demo.sample", definition.Name!.ToString());
        var schema = definition.Creation.Schema;
        Assert.Equal(11, schema.Fields.Count);
        Assert.Equal(new LongType(), schema.FindField("integer")!.Type);
        Assert.Equal(new LongType(), schema.FindField("nested.value")!.Type);
        Assert.Equal(new StringType(), schema.FindField("string_map.value")!.Type);
        Assert.Equal(new TimestampType(true), schema.FindField("timestamp")!.Type);
        var partition = Assert.Single(definition.Creation.PartitionSpec!.Fields);
        Assert.Equal(("timestamp_day", new Transform.Day(), schema.FindField("timestamp")!.Id), (partition.Name, partition.Transform, partition.SourceId));
        var sort = Assert.Single(definition.Creation.SortOrder!.Fields);
        Assert.Equal((true, true, schema.FindField("integer")!.Id), (sort.Descending, sort.NullsLast, sort.SourceIds[0]));
        Assert.Equal(Enumerable.Range(1, 19), TableMetadataCreation.Create(definition.Creation, "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch).CurrentSchema.AllFields().Select(field => field.Id).Order());
    }

    [Fact]
    public void Sparks_dialect_is_read()
    {
        var definition = Ddl.ParseCreateTable("""
            CREATE TABLE db.`my events` (
              id BIGINT NOT NULL COMMENT 'it''s the key',
              `Strange Name` STRING,
              ts TIMESTAMP, local TIMESTAMP_NTZ,
              s STRUCT<a: INT NOT NULL COMMENT 'x', b: ARRAY<MAP<STRING, DECIMAL(9, 2)>>>)
            USING iceberg
            PARTITIONED BY (days(ts), bucket(16, id), truncate(4, `Strange Name`), s.a)
            COMMENT 'events' LOCATION '/w/x'
            TBLPROPERTIES ('format-version' = '3', 'write.parquet.compression-codec' = 'zstd');
            """);

        Assert.Equal("my events", definition.Name!.Name);
        var creation = definition.Creation;
        Assert.Equal((true, "it's the key"), (creation.Schema.Fields[0].Required, creation.Schema.Fields[0].Doc));
        Assert.Equal(new TimestampType(true), creation.Schema.FindField("ts")!.Type);
        Assert.Equal(new TimestampType(false), creation.Schema.FindField("local")!.Type);
        Assert.Equal(new DecimalType(9, 2), creation.Schema.FindField("s.b.element.value")!.Type);
        Assert.True(creation.Schema.FindField("s.a")!.Required);
        Assert.Equal(["ts_day", "id_bucket", "Strange Name_trunc", "s.a"], creation.PartitionSpec!.Fields.Select(field => field.Name));
        Assert.Equal((3, "/w/x", "events", "zstd"), (creation.FormatVersion, creation.Location, creation.Properties["comment"], creation.Properties["write.parquet.compression-codec"]));
    }

    /// <summary>https://iceberg.apache.org/spec/#default-values</summary>
    [Theory]
    [InlineData("INT", "7", "7")]
    [InlineData("BIGINT", "-9223372036854775808", "-9223372036854775808")]
    [InlineData("DOUBLE", "-0.5", "-0.5")]
    [InlineData("DECIMAL(9, 2)", "1.05", "\"1.05\"")]
    [InlineData("VARCHAR", "'it''s'", "\"it's\"")]
    [InlineData("BOOLEAN", "TRUE", "true")]
    [InlineData("DATE", "DATE '2025-01-31'", "\"2025-01-31\"")]
    [InlineData("TIMESTAMP(6)", "TIMESTAMP '2025-01-31 12:00:00.5'", "\"2025-01-31T12:00:00.5\"")]
    [InlineData("TIMESTAMP(6) WITH TIME ZONE", "'2025-01-31 12:00:00 UTC'", "\"2025-01-31T12:00:00+00:00\"")]
    [InlineData("VARBINARY", "X'00FF'", "\"00ff\"")]
    [InlineData("UUID", "'01234567-89ab-cdef-0123-456789abcdef'", "\"01234567-89ab-cdef-0123-456789abcdef\"")]
    [InlineData("INT", "NULL", null)]
    public void Defaults_are_read_in_the_type_of_their_column(string type, string literal, string? json)
    {
        var created = Ddl.ParseCreateTable($"CREATE TABLE t (a {type} DEFAULT {literal} COMMENT 'x', b INT) WITH (format_version = 3)").Creation.Schema.Fields[0];
        Assert.Equal((json, json, "x"), (created.InitialDefault?.ToJsonString(Plain), created.WriteDefault?.ToJsonString(Plain), created.Doc));

        var metadata = TableMetadataCreation.Create(TestTables.Creation(3), "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        var added = Assert.IsType<UpdateSchema>(Ddl.ParseAlterTable($"ALTER TABLE t ADD COLUMN a {type} DEFAULT {literal}").On(metadata)).Schema.FindField("a")!;
        Assert.Equal((json, json), (added.InitialDefault?.ToJsonString(Plain), added.WriteDefault?.ToJsonString(Plain)));
    }

    [Fact]
    public void Defaults_are_changed_dropped_and_let_a_required_column_be_added()
    {
        var metadata = TableMetadataCreation.Create(TestTables.Creation(3), "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        metadata = metadata.Apply(Ddl.ParseAlterTable("ALTER TABLE t ADD COLUMNS (level INT NOT NULL DEFAULT 3, other VARCHAR)").On(metadata).Updates, TimeProvider.System);
        Assert.True(metadata.CurrentSchema.FindField("level")!.Required);
        metadata = metadata.Apply(Ddl.ParseAlterTable("ALTER TABLE t ALTER COLUMN level SET DEFAULT 4").On(metadata).Updates, TimeProvider.System);
        var level = metadata.CurrentSchema.FindField("level")!;
        Assert.Equal(("3", "4"), (level.InitialDefault!.ToJsonString(), level.WriteDefault!.ToJsonString()));
        metadata = metadata.Apply(Ddl.ParseAlterTable("ALTER TABLE t ALTER COLUMN other SET DEFAULT 'x'").On(metadata).Updates, TimeProvider.System);
        Assert.Null(metadata.CurrentSchema.FindField("other")!.InitialDefault);
        metadata = metadata.Apply(Ddl.ParseAlterTable("ALTER TABLE t ALTER COLUMN other DROP DEFAULT").On(metadata).Updates, TimeProvider.System);
        Assert.Null(metadata.CurrentSchema.FindField("other")!.WriteDefault);

        Assert.Contains("without a DEFAULT", Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t ADD COLUMN a INT NOT NULL")).Message, StringComparison.Ordinal);
        Assert.Contains("1:40", Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t ADD COLUMN a INT DEFAULT 'seven'")).Message, StringComparison.Ordinal);
        Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t ADD COLUMN a INT DEFAULT 1.5"));
        Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t ADD COLUMN a INT DEFAULT 3000000000"));
        Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t ADD COLUMN a ARRAY(INT) DEFAULT 1"));
        Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t ADD COLUMN a VARBINARY DEFAULT X'0'"));
        Assert.Contains("format version 3", Assert.Throws<DdlException>(() => Ddl.ParseCreateTable("CREATE TABLE t (a INT DEFAULT 1)")).Message, StringComparison.Ordinal);
    }

    private static readonly System.Text.Json.JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void A_bare_timestamp_is_a_wall_clock_in_Trino() =>
        Assert.Equal(new TimestampType(false), Ddl.ParseCreateTable("create table t (ts timestamp)").Creation.Schema.Fields[0].Type);

    [Theory]
    [InlineData("CREATE TABLE t (a INTT)", 1, 19, "expected a type")]
    [InlineData("CREATE TABLE t (\n  a INT\n  b INT)", 3, 3, "expected ',' or ')', got \"b\"")]
    [InlineData("CREATE TABLE t (a INT", 1, 22, "got the end")]
    [InlineData("CREATE TABLE t (a INT, a BIGINT)", 1, 24, "got a twice")]
    [InlineData("CREATE TABLE t (a DECIMAL)", 1, 26, "precision and scale")]
    [InlineData("CREATE TABLE t (a DECIMAL(39, 2))", 1, 19, "precision of 1 to 38")]
    [InlineData("CREATE TABLE t (a TIMESTAMP(7))", 1, 28, "got 7")]
    [InlineData("CREATE TABLE t (a INT) WITH (partitioning = ARRAY['day(a)'])", 1, 51, "day does not apply to a of type int")]
    [InlineData("CREATE TABLE t (a INT) WITH (partitioning = ARRAY['dya(a)'])", 1, 51, "expected a transform")]
    [InlineData("CREATE TABLE t (a INT) WITH (partitioning = ARRAY['b'])", 1, 51, "expected a column of the table, got b")]
    [InlineData("CREATE TABLE t (a INT) WITH (buckets = 3)", 1, 30, "expected one of partitioning, sorted_by")]
    [InlineData("CREATE TABLE t (a INT) WITH (max_commit_retry = 'often')", 1, 49, "expected a number")]
    [InlineData("CREATE TABLE t (a INT) WITH (object_store_layout_enabled = 1)", 1, 60, "expected true or false")]
    [InlineData("CREATE TABLE t (a INT) WITH (location = DEFAULT)", 1, 30, "location has no DEFAULT")]
    [InlineData("CREATE TABLE t (a INT) WITH (format = 'ORC')", 1, 39, "expected 'PARQUET'")]
    [InlineData("CREATE TABLE t (a INT, PRIMARY KEY (a))", 1, 24, "no constraints")]
    [InlineData("CREATE TABLE t (a INT) nonsense", 1, 24, "or the end")]
    [InlineData("CREATE VIEW t", 1, 8, "expected TABLE")]
    [InlineData("CREATE TABLE t (a 'x)", 1, 19, "expected a closing '")]
    [InlineData("CREATE TABLE t (a INT) /* x", 1, 24, "ends with */")]
    [InlineData("CREATE TABLE t (a TIMESTAMP(9))", 1, 16, "needs format version 3")]
    [InlineData("CREATE TABLE t (a ROW(BIGINT))", 1, 29, "expected a type")]
    [InlineData("CREATE TABLE t (a INT) # x", 1, 24, "got '#'")]
    public void Errors_name_line_and_column_and_what_was_expected(string sql, int line, int column, string problem)
    {
        var e = Assert.Throws<DdlException>(() => Ddl.ParseCreateTable(sql));
        Assert.Contains(problem, e.Message);
        Assert.Equal((line, column), (e.Line, e.Column));
    }

    [Fact]
    public void Types_nested_without_end_are_refused() =>
        Assert.Throws<DdlException>(() => Ddl.ParseCreateTable("CREATE TABLE t (a " + string.Concat(Enumerable.Repeat("ARRAY(", 100_000)) + ")"));

    [Fact]
    public void Alterations_become_changes_of_the_schema()
    {
        var metadata = TableMetadataCreation.Create(
            Ddl.ParseCreateTable("CREATE TABLE t (a INT, b VARCHAR, s ROW(x INT), l ARRAY(ROW(y INT)), ts TIMESTAMP) WITH (partitioning = ARRAY['day(ts)'])").Creation,
            "/w/t",
            Guid.NewGuid(),
            DateTimeOffset.UnixEpoch);
        string[] statements =
        [
            "ALTER TABLE t ADD COLUMN c DOUBLE COMMENT 'new' AFTER a",
            "ALTER TABLE t ADD COLUMNS (d ARRAY<INT>, s.z BIGINT FIRST, l.element.w STRING)",
            "ALTER TABLE t DROP COLUMN b",
            "ALTER TABLE t RENAME COLUMN a TO alpha",
            "ALTER TABLE t ALTER COLUMN alpha SET DATA TYPE BIGINT",
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS c INT",
        ];
        foreach (string statement in statements)
        {
            var update = Ddl.ParseAlterTable(statement).On(metadata);
            Assert.Null(metadata.Violated(update.Requirements));
            metadata = metadata.Apply(update.Updates, TimeProvider.System);
        }

        Assert.Equal(["alpha", "c", "s", "l", "ts", "d"], metadata.CurrentSchema.Fields.Select(field => field.Name));
        Assert.Equal((1, new LongType()), (metadata.CurrentSchema.Fields[0].Id, metadata.CurrentSchema.Fields[0].Type));
        Assert.Equal(["z", "x"], ((StructType)metadata.CurrentSchema.FindField("s")!.Type).Fields.Select(field => field.Name));
        Assert.NotNull(metadata.CurrentSchema.FindField("l.element.w"));
        Assert.Equal("new", metadata.CurrentSchema.FindField("c")!.Doc);
        Assert.Equal(6, metadata.Schemas.Count);
    }

    /// <summary>https://trino.io/docs/current/connector/iceberg.html#table-properties</summary>
    [Fact]
    public void Table_properties_by_Trinos_names_are_those_of_Iceberg()
    {
        var creation = Ddl.ParseCreateTable("""
            CREATE TABLE t (id BIGINT, "user" VARCHAR) WITH (
                compression_codec = 'ZSTD', max_commit_retry = 9, delete_after_commit_enabled = true, max_previous_versions = 7,
                object_store_layout_enabled = true, data_location = 's3://other/data/', parquet_bloom_filter_columns = ARRAY['id', 'user'],
                extra_properties = MAP(ARRAY['write.distribution-mode'], ARRAY['none']))
            """).Creation;
        Assert.Equal(
            [
                ("commit.retry.num-retries", "9"), ("write.data.path", "s3://other/data"), ("write.distribution-mode", "none"), ("write.metadata.delete-after-commit.enabled", "true"),
                ("write.metadata.previous-versions-max", "7"), ("write.object-storage.enabled", "true"), ("write.parquet.bloom-filter-enabled.column.id", "true"),
                ("write.parquet.bloom-filter-enabled.column.user", "true"), ("write.parquet.compression-codec", "zstd"),
            ],
            creation.Properties.Select(pair => (pair.Key, pair.Value)).OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    /// <summary>https://trino.io/docs/current/connector/iceberg.html#alter-table-set-properties</summary>
    [Fact]
    public void Properties_partitioning_and_order_are_altered_as_Trino_has_it()
    {
        var metadata = TableMetadataCreation.Create(
            Ddl.ParseCreateTable("CREATE TABLE t (id BIGINT, name VARCHAR, ts TIMESTAMP) WITH (partitioning = ARRAY['day(ts)', 'bucket(id, 8)'], sorted_by = ARRAY['id'], parquet_bloom_filter_columns = ARRAY['id'], max_commit_retry = 2)").Creation,
            "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        int bucket = metadata.DefaultSpec.Fields[1].FieldId;

        Alter("partitioning = ARRAY['month(ts)', 'bucket(id, 8)'], sorted_by = ARRAY['name DESC NULLS FIRST'], parquet_bloom_filter_columns = ARRAY['name'], max_commit_retry = DEFAULT, extra_properties = MAP(ARRAY['x'], ARRAY['y'])");
        Assert.Equal([(new Transform.Bucket(8), bucket), ((Transform)new Transform.Month(), bucket + 1)], metadata.DefaultSpec.Fields.Select(field => (field.Transform, field.FieldId)));
        var order = metadata.SortOrders.Single(order => order.OrderId == metadata.DefaultSortOrderId);
        Assert.Equal((2, true, false), (order.Fields[0].SourceIds[0], order.Fields[0].Descending, order.Fields[0].NullsLast));
        Assert.Equal([("write.parquet.bloom-filter-enabled.column.name", "true"), ("x", "y")], metadata.Properties.Select(pair => (pair.Key, pair.Value)).Order());

        int spec = metadata.DefaultSpecId;
        Alter("partitioning = ARRAY['bucket(id, 8)', 'month(ts)']");
        Assert.Equal(spec, metadata.DefaultSpecId);
        Alter("partitioning = DEFAULT, sorted_by = ARRAY[], format_version = 3;");
        Assert.Empty(metadata.DefaultSpec.Fields);
        Assert.Equal((0, 3), (metadata.DefaultSortOrderId, metadata.FormatVersion));

        Assert.Contains("nothing", Assert.Throws<ArgumentException>(() => Ddl.ParseAlterTable("ALTER TABLE t SET PROPERTIES partitioning = ARRAY['day(nothing)']").On(metadata)).Message, StringComparison.Ordinal);
        Assert.Contains("keeps its location", Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t SET PROPERTIES location = '/x'")).Message, StringComparison.Ordinal);

        void Alter(string properties)
        {
            var update = Ddl.ParseAlterTable("ALTER TABLE t SET PROPERTIES " + properties).On(metadata);
            Assert.Null(metadata.Violated(update.Requirements));
            metadata = metadata.Apply(update.Updates, TimeProvider.System);
        }
    }

    /// <summary>https://iceberg.apache.org/docs/latest/spark-ddl/#alter-table-add-partition-field</summary>
    [Fact]
    public void Properties_partitioning_and_order_are_altered_as_Spark_has_it()
    {
        var metadata = TableMetadataCreation.Create(
            Ddl.ParseCreateTable("CREATE TABLE t (id BIGINT, name STRING, ts TIMESTAMP) PARTITIONED BY (days(ts)) TBLPROPERTIES ('a' = '1')").Creation, "/w/t", Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        Alter("SET TBLPROPERTIES ('orleanslake.retention.period' = '13 months', b.c = 2)");
        Alter("UNSET TBLPROPERTIES ('a')");
        Alter("UNSET TBLPROPERTIES IF EXISTS ('a', 'nothing')");
        Assert.Equal([("b.c", "2"), ("orleanslake.retention.period", "13 months")], metadata.Properties.Select(pair => (pair.Key, pair.Value)).Order());
        Alter("ADD PARTITION FIELD bucket(16, id)");
        Alter("REPLACE PARTITION FIELD ts_day WITH hours(ts) AS hour_of_ts");
        Alter("ADD PARTITION FIELD truncate(name, 4) AS n;");
        Assert.Equal(
            [("id_bucket_16", new Transform.Bucket(16)), ("hour_of_ts", new Transform.Hour()), ("n", new Transform.Truncate(4))],
            metadata.DefaultSpec.Fields.Select(field => (field.Name, field.Transform)));
        Alter("DROP PARTITION FIELD bucket(id, 16)");
        Alter("DROP PARTITION FIELD n");
        Assert.Equal(["hour_of_ts"], metadata.DefaultSpec.Fields.Select(field => field.Name));
        Alter("WRITE ORDERED BY name DESC NULLS FIRST, bucket(4, id)");
        Assert.Equal([(true, false, new Transform.Identity()), (false, false, (Transform)new Transform.Bucket(4))], Order().Fields.Select(field => (field.Descending, field.NullsLast, field.Transform)));
        Alter("WRITE UNORDERED");
        Assert.Empty(Order().Fields);
        Alter("SET TBLPROPERTIES ('format-version' = '3')");
        Assert.Equal(3, metadata.FormatVersion);

        Assert.Contains("nothing", Refused("UNSET TBLPROPERTIES ('nothing')"), StringComparison.Ordinal);
        Assert.Contains("nothing", Refused("ADD PARTITION FIELD day(nothing)"), StringComparison.Ordinal);
        Assert.Contains("in the spec", Refused("DROP PARTITION FIELD day(ts)"), StringComparison.Ordinal);
        Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t ADD PARTITION FIELD weekly(ts)"));
        Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t SET TBLPROPERTIES ('a' = )"));
        Assert.Throws<DdlException>(() => Ddl.ParseAlterTable("ALTER TABLE t SET LOCATION 'x'"));

        SortOrder Order() => metadata.SortOrders.Single(order => order.OrderId == metadata.DefaultSortOrderId);

        string Refused(string statement) => Assert.Throws<ArgumentException>(() => Ddl.ParseAlterTable("ALTER TABLE t " + statement).On(metadata)).Message;

        void Alter(string statement)
        {
            var update = Ddl.ParseAlterTable("ALTER TABLE t " + statement).On(metadata);
            Assert.Null(metadata.Violated(update.Requirements));
            metadata = metadata.Apply(update.Updates, TimeProvider.System);
        }
    }
}
