namespace OrleansLake.Contracts;

/// <summary>Asks a table for columns for fields that records have.</summary>
/// <param name="Fields">Which.</param>
/// <param name="MostFields">Fields that the table may have afterwards, nested ones counted.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.SchemaGrowth")]
public sealed record SchemaGrowth([property: Id(0)] GrowthField[] Fields, [property: Id(1)] int MostFields);

/// <summary>One field.</summary>
/// <param name="Parent">Names of the structs around it from the row on; null for elements of a list or values of a map.</param>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.GrowthField")]
public sealed record GrowthField([property: Id(0)] string?[] Parent, [property: Id(1)] string Name, [property: Id(2)] GrowthType Type);

/// <summary>A type as records show it.</summary>
/// <param name="Name">The name of a primitive type as the Iceberg specification's Appendix C writes it; <c>struct</c> or <c>list</c>.</param>
/// <param name="Fields">Fields of a struct.</param>
/// <param name="Element">Element of a list.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.GrowthType")]
public sealed record GrowthType([property: Id(0)] string Name, [property: Id(1)] GrowthField[] Fields, [property: Id(2)] GrowthType? Element);

/// <summary>What became of it.</summary>
/// <param name="SchemaId">The schema that holds now.</param>
/// <param name="Declined">Paths of fields that the table will not have.</param>
[GenerateSerializer, Immutable, Alias("orleanslake.SchemaGrowthAnswer")]
public sealed record SchemaGrowthAnswer([property: Id(0)] int SchemaId, [property: Id(1)] string[] Declined);
