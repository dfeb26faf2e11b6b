using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Google.Protobuf.Reflection;

namespace OrleansLake.Ingest.Tests.Decode.Protobuf;

/// <summary>Google's own compiler, which knows what a schema says and how messages are written.</summary>
internal sealed class Protoc : IDisposable
{
    private static readonly string Tools = typeof(Protoc).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "ProtocDirectory").Value!;

    private readonly string _directory = Directory.CreateTempSubdirectory("protoc").FullName;

    /// <summary>Files by the names that they import each other by.</summary>
    public Protoc(params (string Name, string Text)[] files)
    {
        foreach (var (name, text) in files)
        {
            string path = Path.Combine(_directory, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
    }

    /// <summary>A message that is given as text.</summary>
    public byte[] Encode(string file, string message, string text) => Run(Encoding.UTF8.GetBytes(text), $"--encode={message}", file);

    /// <summary>What it makes of a file.</summary>
    public FileDescriptorProto Describe(string file)
    {
        string output = Path.Combine(_directory, "descriptors");
        Run([], $"--descriptor_set_out={output}", file);
        return FileDescriptorSet.Parser.ParseFrom(File.ReadAllBytes(output)).File.Single();
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private byte[] Run(byte[] input, params string[] arguments)
    {
        string platform = OperatingSystem.IsWindows() ? "windows_x64" : OperatingSystem.IsMacOS() ? "macosx_x64"
            : RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "linux_aarch64" : "linux_x64";
        var start = new ProcessStartInfo(Path.Combine(Tools, platform, OperatingSystem.IsWindows() ? "protoc.exe" : "protoc"), [$"-I{_directory}", $"-I{Tools}", .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.BaseStream.Write(input);
        process.StandardInput.Close();
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        return output.ToArray();
    }
}
