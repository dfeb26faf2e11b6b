using OrleansLake.Contracts;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;

namespace OrleansLake.Grains;

/// <summary>New fields, and the form in which they cross from pump to grain.</summary>
internal static class GrowthForms
{
    /// <summary>As it crosses.</summary>
    public static GrowthField ToContract(NewField field) => new([.. field.Parent], field.Name, ToContract(field.Type));

    /// <summary>As it was.</summary>
    public static NewField FromContract(GrowthField field) => new(field.Parent, field.Name, FromContract(field.Type));

    private static GrowthType ToContract(IcebergType type) => type switch
    {
        StructType x => new GrowthType("struct", [.. x.Fields.Select(field => new GrowthField([], field.Name, ToContract(field.Type)))], null),
        ListType x => new GrowthType("list", [], ToContract(x.Element)),
        BooleanType => Primitive("boolean"),
        LongType => Primitive("long"),
        DoubleType => Primitive("double"),
        DecimalType => Primitive("decimal(38,0)"),
        StringType => Primitive("string"),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a type that records show"),
    };

    private static IcebergType FromContract(GrowthType type) => type.Name switch
    {
        "struct" => new StructType([.. type.Fields.Select(field => new NestedField(0, field.Name, Required: false, FromContract(field.Type)))]),
        "list" => new ListType(0, FromContract(type.Element!), ElementRequired: false),
        "boolean" => new BooleanType(),
        "long" => new LongType(),
        "double" => new DoubleType(),
        "decimal(38,0)" => new DecimalType(38, 0),
        "string" => new StringType(),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type.Name, "not a type that records show"),
    };

    private static GrowthType Primitive(string name) => new(name, [], null);
}
