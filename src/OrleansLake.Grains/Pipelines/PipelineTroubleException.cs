namespace OrleansLake.Grains;

/// <summary>A pipeline cannot go on as it is configured; the message says what is wrong and what to do.</summary>
public sealed class PipelineTroubleException(string message, Exception? inner = null) : Exception(message, inner);
