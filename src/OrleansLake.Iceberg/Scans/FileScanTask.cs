namespace OrleansLake.Iceberg;

/// <summary>One data file of a scan, and what is to be done with its rows.</summary>
/// <param name="File">The data file.</param>
/// <param name="SequenceNumber">Its data sequence number.</param>
/// <param name="Deletes">The delete files that apply to it, position deletes first.</param>
/// <param name="Residual">What of the condition is still to be asked of its rows.</param>
public sealed record FileScanTask(DataFile File, long SequenceNumber, IReadOnlyList<DataFile> Deletes, BoundExpression Residual);
