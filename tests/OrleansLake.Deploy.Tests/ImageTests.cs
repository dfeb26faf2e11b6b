using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansLake.Silo;
using OrleansLake.Silo.Configuration;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Deploy.Tests;

/// <summary>The Dockerfile, as far as it can be held against the sources without building it.</summary>
public sealed partial class ImageTests
{
    private static readonly string[] Lines = [.. File.ReadAllText(Path.Combine(Repository.Root, "deploy", "Dockerfile"))
        .Replace("\\\n", " ", StringComparison.Ordinal).Split('\n').Where(line => line.Length > 0 && line[0] != '#')];

    [Fact]
    public void What_it_copies_is_in_the_repository_and_what_it_publishes_is_a_project()
    {
        foreach (string line in Lines.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal)))
        {
            string[] sources = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..^1];
            Assert.All(sources, source => Assert.True(Path.Exists(Path.Combine(Repository.Root, source)), source));
        }

        string[] projects = [.. Publish().Matches(string.Join('\n', Lines)).Select(match => match.Groups[1].Value)];
        Assert.Equal(["silo/OrleansLake.Silo", "client/OrleansLake.Cli"], projects);
        Assert.All(projects, project => Assert.True(File.Exists(Path.Combine(Repository.Root, project, Path.GetFileName(project) + ".csproj")), project));
        Assert.Equal(2, string.Join('\n', Lines).Split("--arch $TARGETARCH --no-self-contained -p:PublishReadyToRun=true").Length - 1);
        // Everything that they refer to is copied too.
        foreach (string folder in new[] { "src", "client", "silo" })
        {
            Assert.Contains(Lines, line => line == $"COPY {folder}/ {folder}/");
        }
    }

    [Fact]
    public void Its_last_stage_is_small_is_not_root_and_is_the_silo()
    {
        int last = Array.FindLastIndex(Lines, line => line.StartsWith("FROM ", StringComparison.Ordinal));
        string[] stage = Lines[last..];
        Assert.Contains("chiseled", stage[0], StringComparison.Ordinal);
        Assert.Contains("USER $APP_UID", stage);
        Assert.DoesNotContain(stage, line => line.StartsWith("RUN ", StringComparison.Ordinal)); // there is no shell
        Assert.Contains($"ENTRYPOINT [\"dotnet\", \"{typeof(SiloConfig).Assembly.GetName().Name}.dll\"]", stage);
        Assert.Contains(stage, line => line.StartsWith("HEALTHCHECK ", StringComparison.Ordinal) && line.EndsWith($"\"{HealthCommand.Create().Name}\"]", StringComparison.Ordinal));
        Assert.Contains($"CMD [\"{RunCommand.Create().Name}\", \"--config\", \"{SiloConfigReader.VariablePrefix}LAKE_CONFIG\"]", stage);
        var orleans = new OrleansConfig();
        Assert.Contains($"EXPOSE 8080 {orleans.SiloPort} {orleans.GatewayPort}", stage);
    }

    [Fact]
    public void Both_programs_bring_what_a_chiselled_image_lacks_for_whichever_architecture_it_is_built()
    {
        // The whole image is of the release of the chiselled one, and of the architecture that is built for, not of the one that builds.
        string whole = Assert.Single(Lines, line => line.EndsWith(" AS whole", StringComparison.Ordinal));
        string[] chiselled = [.. Lines.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal) && line.Contains("-chiseled ", StringComparison.Ordinal))];
        Assert.Equal(2, chiselled.Length);
        Assert.All(chiselled, line => Assert.Equal(whole.Split(' ')[1] + "-chiseled", line.Split(' ')[1]));
        // cp fails where the library is not there, which a wildcard of COPY would not; and follows the link of that name.
        string library = Assert.Single(Lines, line => line.Contains("from=whole", StringComparison.Ordinal));
        Assert.EndsWith("cp -L /whole/*-linux-gnu/libzstd.so.1 /native/", library, StringComparison.Ordinal);
        Assert.Equal(2, Lines.Count(line => line == "COPY --from=build /native/ /usr/lib/"));
    }

    [Fact]
    public void The_compiler_that_Orleans_packages_ask_for_is_not_published()
    {
        foreach (string project in new[] { "silo/OrleansLake.Silo/OrleansLake.Silo.csproj", "client/OrleansLake.Cli/OrleansLake.Cli.csproj" })
        {
            string assets = Path.Combine(Repository.Root, Path.GetDirectoryName(project)!, "obj", "project.assets.json");
            using var json = JsonDocument.Parse(File.ReadAllBytes(assets));
            JsonProperty[] libraries = [.. json.RootElement.GetProperty("targets").EnumerateObject().First().Value.EnumerateObject()];
            string[] run = [.. libraries.Where(IsRun).Select(library => library.Name)];
            Assert.Contains(run, name => name.StartsWith("Microsoft.Orleans.", StringComparison.Ordinal));
            Assert.DoesNotContain(run, name => name.StartsWith("Microsoft.CodeAnalysis.", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void What_is_copied_is_not_what_the_ignore_file_leaves_out()
    {
        string[] ignored = File.ReadAllLines(Path.Combine(Repository.Root, "deploy", "Dockerfile.dockerignore"));
        Assert.All(new[] { "src", "client", "silo", "Directory.Build.props", "Directory.Packages.props" }, part => Assert.DoesNotContain(part, ignored));
        Assert.Contains(".lake", ignored); // a machine's own packages
    }

    /// <summary>Whether a package of <c>project.assets.json</c> has a file to run.</summary>
    private static bool IsRun(JsonProperty library) =>
        library.Value.TryGetProperty("runtime", out JsonElement files) && files.EnumerateObject().Any(file => !file.Name.EndsWith("_._", StringComparison.Ordinal));

    [GeneratedRegex(@"dotnet publish (\S+)")]
    private static partial Regex Publish();
}
