using System.Text.Encodings.Web;
using System.Text.Json;

namespace OrleansLake.Cli;

/// <summary>What commands print: data on standard output, everything else on standard error.</summary>
internal static class Output
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One object in one line.</summary>
    internal static void Json<T>(T value)
    {
        Console.Out.WriteLine(JsonSerializer.Serialize(value, Options));
        Console.Out.Flush();
    }

    /// <summary>A line of data.</summary>
    internal static void Line(string text)
    {
        Console.Out.WriteLine(text);
        Console.Out.Flush();
    }

    /// <summary>A line for people.</summary>
    internal static void Note(string text) => Console.Error.WriteLine(text);
}
