namespace OrleansLake.Aws;

/// <summary>A secret by where it is kept on this machine: <c>env:NAME</c>, <c>file:PATH</c> (as <c>/run/secrets/…</c>).</summary>
public static class SecretReference
{
    private const string Variable = "env:";
    private const string File = "file:";

    /// <summary>Whether a text says where a secret is kept on this machine, and is not the secret itself.</summary>
    public static bool IsOne(string text) => text.StartsWith(Variable, StringComparison.Ordinal) || text.StartsWith(File, StringComparison.Ordinal);

    /// <summary>Reads what is kept on this machine; null when it is not there.</summary>
    public static string? ReadHere(string reference)
    {
        if (reference.StartsWith(Variable, StringComparison.Ordinal))
        {
            return Environment.GetEnvironmentVariable(reference[Variable.Length..]);
        }

        string path = reference[File.Length..];
        // Files of secrets usually end with a line.
        return System.IO.File.Exists(path) ? System.IO.File.ReadAllText(path).TrimEnd('\r', '\n') : null;
    }
}
