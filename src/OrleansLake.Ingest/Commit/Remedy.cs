namespace OrleansLake.Ingest.Commit;

/// <summary>The commands that an error names: one place, so that they stay the ones that exist.</summary>
internal static class Remedy
{
    /// <summary>Begin elsewhere.</summary>
    public static string Reset(string pipeline) => $"decide where it goes on: ./lake pipeline seek {pipeline} --to earliest|latest|OFFSET [--topic T --partition P]";

    /// <summary>Take the table as it stands.</summary>
    public static string Accept(string pipeline) => $"if its rows are as you want them: ./lake pipeline accept {pipeline}";
}

/// <summary>A pipeline must not go on before a person has decided; the message ends with the command that says so.</summary>
public sealed class PipelineStoppedException(string message, Exception? inner = null) : Exception(message, inner);
