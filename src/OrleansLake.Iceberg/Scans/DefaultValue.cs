namespace OrleansLake.Iceberg;

/// <summary>
/// What rows hold in a column that was added after they were written.
/// https://iceberg.apache.org/spec/#default-values
/// </summary>
public static class DefaultValue
{
    /// <summary>The initial default of a primitive field, in the form of <see cref="PartitionKey"/>; null where it has none.</summary>
    /// <exception cref="FormatException">The default is none of the field's type.</exception>
    public static object? OfInitial(NestedField field)
    {
        try
        {
            return field.Type is PrimitiveType ? SingleValueJson.Read(field.Type, field.InitialDefault) : null;
        }
        catch (FormatException e)
        {
            throw new FormatException($"field {field.Name} (id {field.Id}): initial default: {e.Message}", e);
        }
    }
}
