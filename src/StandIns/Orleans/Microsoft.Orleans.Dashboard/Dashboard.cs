using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orleans.Hosting;

namespace Orleans.Dashboard;

public sealed class DashboardOptions
{
    public bool HideTrace { get; set; }
    public int CounterUpdateIntervalMs { get; set; } = 1000;
    public int HistoryLength { get; set; } = 100;
}

/// <summary>No dashboard: one page that says so.</summary>
public static class ServiceCollectionExtensions
{
    public static ISiloBuilder AddDashboard(this ISiloBuilder siloBuilder, Action<DashboardOptions>? configureOptions = null) => siloBuilder;

    public static RouteGroupBuilder MapOrleansDashboard(this IEndpointRouteBuilder endpoints, string? routePrefix = null)
    {
        var group = endpoints.MapGroup(routePrefix ?? "");
        group.MapGet("/", () => Results.Text("This Orleans is a stand-in and has no dashboard. See the silo's own /pipelines, /tables and /metrics.\n"));
        return group;
    }
}
