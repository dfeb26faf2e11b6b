using OrleansLake.Contracts;
using OrleansLake.Grains;
using OrleansLake.Ingest.Decode;

namespace OrleansLake.Silo.Configuration;

/// <summary>The <c>records</c> of a pipeline: how they differ from rows (docs/records.md).</summary>
internal static class RecordsSection
{
    /// <summary>Reads them; null where there are none.</summary>
    public static RecordSettings? Read(ConfigSection pipeline, bool hasRegistry)
    {
        if (!pipeline.Has("records"))
        {
            return null;
        }

        ConfigSection section = pipeline.Section("records");
        ConfigSection names = section.Section("case");
        var settings = new RecordSettings
        {
            Format = section.Text("format") ?? "json",
            Envelope = section.Text("envelope") ?? "none",
            Tombstones = section.Text("tombstones"),
            Unnest = section.Text("unnest") ?? "",
            Project = section.Map("project"),
            Columns = section.Map("columns"),
            CaseFrom = names.Text("from"),
            CaseTo = names.Text("to"),
            IgnoreCase = section.Flag("ignoreCase", false),
            OnUnfit = section.Rules("onUnfit"),
            Epoch = section.Rules("epoch"),
            NumbersInStrings = section.Rules("numbersInStrings"),
            CutFraction = section.Flag("cutFraction", false),
            UnknownFields = section.Text("unknownFields") ?? "ignore",
            RescueColumn = section.Text("rescueColumn") ?? "_rescued",
            MostFields = section.Number("mostFields", RecordSettings.DefaultMostFields, 1, 100_000),
        };
        names.RefuseOthers();
        section.RefuseOthers();
        var problems = new List<RecordOptionException>();
        if (RecordSettingsOptions.Read(settings, problems).Format is RecordFormat.ConfluentAvro or RecordFormat.ConfluentProtobuf && !hasRegistry)
        {
            pipeline.Fail("schemaRegistry", $"an object with the url of a schema registry, because records.format is {settings.Format}", null);
        }

        foreach (RecordOptionException problem in problems)
        {
            section.Fail(problem.Setting, problem.Expected, problem.Found);
        }

        return settings;
    }
}
