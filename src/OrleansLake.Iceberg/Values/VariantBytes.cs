namespace OrleansLake.Iceberg;

/// <summary>A value of type variant in its binary form. https://iceberg.apache.org/spec/#semi-structured-types</summary>
/// <param name="Metadata">Version and dictionary of field names.</param>
/// <param name="Value">The value.</param>
public sealed record VariantBytes(byte[] Metadata, byte[] Value);
