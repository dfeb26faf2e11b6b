using OrleansLake.Ingest.Registry;

namespace OrleansLake.Silo.Configuration;

/// <summary>The <c>schemaRegistry</c> of a pipeline.</summary>
internal static class RegistrySection
{
    /// <summary>Reads it; null where there is none.</summary>
    public static SchemaRegistrySettings? Read(ConfigSection pipeline, string directory)
    {
        if (!pipeline.Has("schemaRegistry"))
        {
            return null;
        }

        ConfigSection section = pipeline.Section("schemaRegistry");
        const string Expected = "an address such as https://registry:8081";
        Uri? url = section.Parsed("url", Expected, text => Uri.TryCreate(text, UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "http" or "https" ? parsed : null);
        string? user = section.Text("user");
        string? password = section.Text("password");
        string? caFile = section.Text("caFile") is { } file ? Path.GetFullPath(file, directory) : null;
        TimeSpan patience = section.Duration("patience", TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromHours(1));
        section.RefuseOthers();
        if (caFile is not null && !File.Exists(caFile))
        {
            section.Fail("caFile", "a file with certificates in PEM", caFile);
        }

        if (url is null)
        {
            if (!section.Has("url"))
            {
                section.Fail("url", Expected, null);
            }

            return null;
        }

        return new SchemaRegistrySettings { Url = url, User = user, Password = password, CaFile = caFile, Patience = patience };
    }
}
