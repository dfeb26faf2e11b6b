using System.Text.RegularExpressions;
using OrleansLake.Silo.Telemetry;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Deploy.Tests;

public sealed partial class WatchingTests
{
    private static readonly string Alarms = File.ReadAllText(Path.Combine(TerraformStand.Modules, "modules", "alarms", "main.tf"));

    [Fact]
    public void Each_alarm_has_an_entry_in_the_runbook_and_each_entry_an_alarm()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "runbook.md"));
        string[] alarms = [.. AlarmName().Matches(Alarms).Select(match => match.Groups[1].Value).Order()];
        Assert.True(alarms.Length >= 4);
        Assert.Equal(alarms, Heading().Matches(page).Select(match => match.Groups[1].Value).Order());
    }

    [Fact]
    public void Alarms_dashboard_and_scaling_ask_for_metrics_that_a_silo_tells()
    {
        string scaling = File.ReadAllText(Path.Combine(TerraformStand.Modules, "modules", "service", "main.tf"));
        string[] asked =
        [
            .. OurAlarm().Matches(Alarms).Select(match => match.Groups[1].Value),
            .. ScalingMetric().Matches(scaling).Select(match => match.Groups[1].Value),
        ];
        Assert.Contains("Lag", asked);
        Assert.All(asked, name => Assert.Contains(name, CloudWatchLines.Names.Keys));
        foreach (Match widget in Widget().Matches(Alarms))
        {
            Assert.Equal(CloudWatchLines.Names[widget.Groups[1].Value], widget.Groups[2].Value);
        }

        Assert.Contains($"{{ {CloudWatchLines.ClusterDimension} = var.name }}", Alarms, StringComparison.Ordinal);
    }

    // Lag is added up by the minute: two lines of one silo in a minute would count it twice.
    [Fact]
    public void Each_minute_of_CloudWatch_has_one_line_of_a_silo_however_early_or_late_its_timer_is()
    {
        var random = new Random(5);
        TimeSpan minute = TimeSpan.FromMinutes(1);
        DateTimeOffset start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(random.NextInt64(minute.Ticks)), due = CloudWatchLines.NextAfter(start, minute);
        for (long last = start.UtcTicks / minute.Ticks, told = 0; told < 1000; told++)
        {
            DateTimeOffset written = due.AddMilliseconds(random.Next(-20, 29_000));
            Assert.Equal(told == 0 ? due.UtcTicks / minute.Ticks : last + 1, written.UtcTicks / minute.Ticks);
            last = written.UtcTicks / minute.Ticks;
            due = CloudWatchLines.NextAfter(written > due ? written : due, minute);
        }
    }

    [Fact]
    public void Pages_point_at_pages_that_are_there()
    {
        string docs = Path.Combine(Repository.Root, "docs");
        foreach (string page in Directory.EnumerateFiles(docs, "*.md"))
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                string target = link.Groups[1].Value;
                Assert.True(File.Exists(Path.Combine(docs, target)), $"{Path.GetFileName(page)}: expected {target}");
            }
        }
    }

    [GeneratedRegex(@"^    ([a-z-]+) = \{$", RegexOptions.Multiline)]
    private static partial Regex AlarmName();

    [GeneratedRegex(@"^## ([a-z-]+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"of +=  *local\.lake\s+metric +=  *""(\w+)""")]
    private static partial Regex OurAlarm();

    [GeneratedRegex(@"namespace +=  *""OrleansLake""\s+metric_name +=  *""(\w+)""")]
    private static partial Regex ScalingMetric();

    [GeneratedRegex(@"metric = ""(\w+)"", of = ""(\w+)""")]
    private static partial Regex Widget();

    [GeneratedRegex(@"\]\(([a-z-]+\.md)[)#]")]
    private static partial Regex Link();
}
