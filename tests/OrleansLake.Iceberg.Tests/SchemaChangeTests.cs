using System.Text.Json.Nodes;

namespace OrleansLake.Iceberg.Tests;

/// <summary>What a schema can become: nested columns, defaults, identifiers, and the properties that follow.</summary>
public sealed class SchemaChangeTests
{
    private static readonly TableMetadata Deep = Table(2);

    [Fact]
    public void Nested_columns_of_lists_maps_and_structs_are_added_renamed_moved_promoted_and_dropped()
    {
        var update = new UpdateSchema(Deep)
            .AddColumn("lines", "price", new DecimalType(9, 2), "net", new ColumnPosition.First())
            .AddColumn("tags.value", "weight", new FloatType(), position: new ColumnPosition.After("n"))
            .RenameColumn("lines.element.sku", "code")
            .PromoteColumn("tags.value.n", new LongType())
            .MakeColumnOptional("address.city")
            .SetDoc("address.city", "where")
            .MoveColumn("address.zip", new ColumnPosition.First())
            .DropColumn("lines.element.qty");
        Assert.Equal(["price", "code"], Names(update, "lines.element"));
        Assert.Equal(["n", "weight"], Names(update, "tags.value"));
        Assert.Equal(["zip", "city"], Names(update, "address"));
        Assert.Equal((new LongType(), 14), (update.Schema.FindField("tags.value.n")!.Type, update.Schema.FindField("tags.value.n")!.Id));
        Assert.Equal(("where", false), (update.Schema.FindField("address.city")!.Doc, update.Schema.FindField("address.city")!.Required));
        Assert.Equal("code", update.Schema.FindField(10)!.Name);
        Assert.Equal((17, 18), (update.Schema.FindField("lines.element.price")!.Id, update.Schema.FindField("tags.value.weight")!.Id));
        var after = Deep.Apply(update.Updates, TimeProvider.System);
        Assert.Equal((18, 1), (after.LastColumnId, after.CurrentSchemaId));
    }

    [Fact]
    public void What_would_make_old_files_unreadable_is_refused()
    {
        var refused = new Action<UpdateSchema>[]
        {
            change => change.AddColumn("id", "x", new LongType()),
            change => change.AddColumn(null, "must", new LongType(), required: true),
            change => change.AddColumn(null, "", new LongType()),
            change => change.DropColumn("lines.element"),
            change => change.RenameColumn("tags.key", "k"),
            change => change.MoveColumn("lines.element", new ColumnPosition.First()),
            change => change.MoveColumn("id", new ColumnPosition.After("city")),
            change => change.PromoteColumn("amount", new DecimalType(12, 3)),
            change => change.PromoteColumn("amount", new DecimalType(8, 2)),
            change => change.PromoteColumn("day", new TimestampType(false)),
            change => change.PromoteColumn("id", new DoubleType()),
            change => change.SetIdentifierFields("amount"),
            change => change.SetIdentifierFields("id").MakeColumnOptional("id"),
            change => change.SetIdentifierFields("id").DropColumn("id"),
            change => change.SetIdentifierFields("lines.element.sku"),
            change => change.AddColumn(null, "d", new LongType(), defaultValue: 5L),
            change => change.AddColumn(null, "v", new VariantType()),
            change => change.DropColumn("nowhere"),
        };
        foreach (var change in refused)
        {
            Assert.Throws<ArgumentException>(() => change(new UpdateSchema(Deep)));
        }
    }

    [Fact]
    public void Numbers_widen_and_decimals_take_more_digits()
    {
        var update = new UpdateSchema(Deep).PromoteColumn("amount", new DecimalType(20, 2)).PromoteColumn("score", new DoubleType()).PromoteColumn("tags.value.n", new LongType());
        Assert.Equal(new DecimalType(20, 2), update.Schema.FindField("amount")!.Type);
        Assert.Equal(new DoubleType(), update.Schema.FindField("score")!.Type);
    }

    [Fact]
    public void Identifier_fields_are_set_and_are_a_change_of_their_own()
    {
        var after = Deep.Apply(new UpdateSchema(Deep).SetIdentifierFields("id", "address.city").Updates, TimeProvider.System);
        Assert.Equal([1, 15], after.CurrentSchema.IdentifierFieldIds);
        Assert.Equal(1, after.CurrentSchemaId);
        Assert.Empty(new UpdateSchema(after).SetIdentifierFields("id", "address.city").Updates);
        Assert.Equal([1, 15], new UpdateSchema(after).RenameColumn("id", "key").Schema.IdentifierFieldIds);
        Assert.Equal(0, after.Apply(new UpdateSchema(after).SetIdentifierFields().Updates, TimeProvider.System).CurrentSchemaId);
    }

    [Fact]
    public void Defaults_of_v3_are_typed_validated_and_promoted()
    {
        var table = Table(3);
        var update = new UpdateSchema(table)
            .AddColumn(null, "level", new IntegerType(), defaultValue: 3, required: true)
            .AddColumn("address", "country", new StringType(), defaultValue: "ü")
            .AddColumn(null, "since", new DateType(), defaultValue: 1)
            .SetDefault("country_code", "DE");
        var level = update.Schema.FindField("level")!;
        Assert.Equal((true, "3", "3"), (level.Required, level.InitialDefault!.ToJsonString(), level.WriteDefault!.ToJsonString()));
        Assert.Null(update.Schema.FindField("country_code")!.InitialDefault);
        update.SetDefault("level", 4).PromoteColumn("level", new LongType()).PromoteColumn("since", new TimestampType(false));
        level = update.Schema.FindField("level")!;
        Assert.Equal((3L, 4L), (SingleValueJson.Read(level.Type, level.InitialDefault), SingleValueJson.Read(level.Type, level.WriteDefault)));
        Assert.Equal("1970-01-02T00:00:00", update.Schema.FindField("since")!.InitialDefault!.GetValue<string>());
        var after = table.Apply(update.Updates, TimeProvider.System);
        byte[] written = TableMetadataJson.Write(after);
        Assert.Equal(after.CurrentSchema.Fields, TableMetadataJson.Read(written, "x").CurrentSchema.Fields);
        // The same schema read from JSON is the same one, defaults and all.
        Assert.Equal(2, TableMetadataJson.Read(written, "x").Apply([new TableUpdate.AddSchema(TableMetadataJson.Read(written, "y").CurrentSchema)], TimeProvider.System).Schemas.Count);

        Assert.Throws<ArgumentException>(() => new UpdateSchema(table).AddColumn(null, "x", new IntegerType(), defaultValue: "three"));
        Assert.Throws<ArgumentException>(() => new UpdateSchema(table).AddColumn(null, "x", new VariantType(), defaultValue: "three"));
        Assert.Throws<ArgumentException>(() => new UpdateSchema(after).SetDefault("level", null));
        var wrong = after.CurrentSchema with { Fields = [after.CurrentSchema.Fields[0] with { WriteDefault = JsonValue.Create("no") }] };
        Assert.Throws<ArgumentException>(() => after.Apply([new TableUpdate.AddSchema(wrong)], TimeProvider.System));
    }

    [Fact]
    public void Types_of_v3_belong_to_v3_tables()
    {
        var update = new UpdateSchema(Table(3))
            .AddColumn(null, "v", new VariantType()).AddColumn(null, "g", new GeometryType("EPSG:4326")).AddColumn(null, "gg", new GeographyType("OGC:CRS84", "karney"))
            .AddColumn(null, "u", new UnknownType()).AddColumn(null, "n", new TimestampNanoType(true))
            .PromoteColumn("u", new StringType()).PromoteColumn("day", new TimestampNanoType(false));
        var after = Table(3).Apply(update.Updates, TimeProvider.System);
        Assert.Equal(after.CurrentSchema.Fields, TableMetadataJson.Read(TableMetadataJson.Write(after), "x").CurrentSchema.Fields);
        Assert.Throws<ArgumentException>(() => new UpdateSchema(Table(3)).PromoteColumn("day", new TimestampType(true)));
    }

    [Fact]
    public void The_name_mapping_and_column_properties_follow_their_columns()
    {
        var table = Deep with
        {
            Properties = new Dictionary<string, string>
            {
                [NameMapping.Property] = NameMapping.Of(Deep.CurrentSchema).ToJson(),
                ["write.metadata.metrics.column.amount"] = "full",
                ["write.metadata.metrics.column.lines.element.sku"] = "none",
                ["write.parquet.bloom-filter-enabled.column.score"] = "true",
                ["write.metadata.metrics.column.nowhere"] = "counts",
            },
        };
        var update = new UpdateSchema(table).RenameColumn("amount", "total").RenameColumn("lines.element.sku", "code").DropColumn("score").AddColumn(null, "amount", new StringType());
        var after = table.Apply(update.Updates, TimeProvider.System);
        Assert.Equal(
            [("nowhere", "counts"), ("total", "full"), ("lines.element.code", "none")],
            after.Properties.Where(pair => pair.Key.StartsWith("write.", StringComparison.Ordinal)).Select(pair => (pair.Key["write.metadata.metrics.column.".Length..], pair.Value)));
        var mapping = NameMapping.Of(after)!;
        Assert.Equal((17, 4), (mapping.Find("amount")!.FieldId, mapping.Find("total")!.FieldId));
        Assert.Equal(["total"], mapping.Find("total")!.Names);
        Assert.Equal(10, mapping.Find("lines", "element", "sku")!.FieldId);
        Assert.Same(mapping.Find("lines", "element", "sku"), mapping.Find("lines", "element", "code"));
        Assert.NotNull(mapping.Find("score"));
        Assert.Null(mapping.Find("lines", "nowhere"));
    }

    [Fact]
    public void A_name_mapping_of_others_is_read_and_written()
    {
        const string Json = """[{"field-id":1,"names":["id","record_id"]},{"names":["gone"]},{"field-id":3,"names":[],"fields":[{"field-id":4,"names":["latitude","lat"]}]}]""";
        Assert.Equal(Json, NameMapping.Parse(Json).ToJson());
        Assert.Equal(1, NameMapping.Parse(Json).Find("record_id")!.FieldId);
        Assert.Null(NameMapping.Parse(Json).Find("gone")!.FieldId);
        Assert.Throws<IcebergFormatException>(() => NameMapping.Parse("""[{"names":[1]}]"""));
    }

    private static IEnumerable<string> Names(UpdateSchema update, string path) => update.Schema.FindField(path)!.Type.Children().Select(field => field.Name);

    private static TableMetadata Table(int version) => TableMetadataCreation.Create(
        new TableCreation
        {
            FormatVersion = version,
            Schema = new Schema
            {
                SchemaId = 0,
                Fields =
                [
                    new NestedField(1, "id", true, new LongType()),
                    new NestedField(2, "lines", false, new ListType(20, new StructType([new NestedField(21, "sku", true, new StringType()), new NestedField(22, "qty", false, new IntegerType())]), false)),
                    new NestedField(3, "tags", false, new MapType(30, new StringType(), 31, new StructType([new NestedField(32, "n", false, new IntegerType())]), false)),
                    new NestedField(4, "amount", false, new DecimalType(9, 2)),
                    new NestedField(5, "address", true, new StructType([new NestedField(51, "city", true, new StringType()), new NestedField(52, "zip", false, new StringType())])),
                    new NestedField(6, "score", false, new FloatType()),
                    new NestedField(7, "day", false, new DateType()),
                    new NestedField(8, "country_code", false, new StringType()),
                ],
            },
        },
        "/w/t",
        Guid.NewGuid(),
        DateTimeOffset.UnixEpoch);
}
