using OrleansLake.Contracts;

namespace OrleansLake.Silo.Configuration;

/// <summary>Reads <c>deadLetters</c> of a pipeline.</summary>
internal static class DeadLettersSection
{
    /// <summary>The section of a pipeline.</summary>
    public static DeadLetterSettings Read(ConfigSection section)
    {
        var defaults = new DeadLetterSettings();
        DeadLetterMode mode = section.Choice("mode", DeadLetterMode.Table, ("table", DeadLetterMode.Table), ("topic", DeadLetterMode.Topic), ("halt", DeadLetterMode.Halt));
        string? topic = section.Text("topic", required: mode == DeadLetterMode.Topic, expected: "the topic that they go to, because mode is topic");
        if (topic is not null && mode != DeadLetterMode.Topic)
        {
            section.Fail("topic", "nothing unless mode is topic", topic);
        }

        ConfigSection alert = section.Section("alert");
        var settings = new DeadLetterSettings
        {
            Mode = mode,
            Topic = topic,
            AlertShare = alert.Share("share", defaults.AlertShare),
            AlertRecords = alert.Number("records", (int)defaults.AlertRecords, 1, int.MaxValue),
            AlertWindow = alert.Duration("window", defaults.AlertWindow, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
        };
        alert.RefuseOthers();
        section.RefuseOthers();
        return settings;
    }
}
