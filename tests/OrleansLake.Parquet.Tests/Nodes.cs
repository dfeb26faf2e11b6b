namespace OrleansLake.Parquet.Tests;

/// <summary>Short ways to write schemas.</summary>
internal static class Nodes
{
    public static ParquetNode.Primitive Leaf(
        string name,
        PhysicalType type,
        Repetition repetition = Repetition.Optional,
        LogicalType? logical = null,
        int? id = null,
        int length = 0) => new()
        {
            Name = name,
            PhysicalType = type,
            Repetition = repetition,
            LogicalType = logical,
            FieldId = id,
            TypeLength = length,
        };

    public static ParquetNode.Primitive Text(string name, Repetition repetition = Repetition.Optional, int? id = null) =>
        Leaf(name, PhysicalType.ByteArray, repetition, new LogicalType.String(), id);

    public static ParquetNode.Group Struct(string name, Repetition repetition, params ParquetNode[] fields) =>
        new() { Name = name, Repetition = repetition, Children = fields };

    public static ParquetNode.Group List(string name, ParquetNode element, Repetition repetition = Repetition.Optional, int? id = null) => new()
    {
        Name = name,
        Repetition = repetition,
        FieldId = id,
        LogicalType = new LogicalType.List(),
        Children = [new ParquetNode.Group { Name = "list", Repetition = Repetition.Repeated, Children = [element with { Name = "element" }] }],
    };

    public static ParquetNode.Group Map(string name, ParquetNode key, ParquetNode value, Repetition repetition = Repetition.Optional, int? id = null) => new()
    {
        Name = name,
        Repetition = repetition,
        FieldId = id,
        LogicalType = new LogicalType.Map(),
        Children =
        [
            new ParquetNode.Group
            {
                Name = "key_value",
                Repetition = Repetition.Repeated,
                Children = [key with { Name = "key", Repetition = Repetition.Required }, value with { Name = "value" }],
            },
        ],
    };
}
