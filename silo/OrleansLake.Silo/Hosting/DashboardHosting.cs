using Orleans.Dashboard;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Hosting;

/// <summary>The Orleans Dashboard, at an address of its own: where that may be seen by more people, the HTTP API is not there.</summary>
internal static class DashboardHosting
{
    /// <summary>Has the silo collect what the dashboard shows, when there is one.</summary>
    public static void Add(ISiloBuilder silo, DashboardConfig config)
    {
        if (config.Url is not null)
        {
            silo.AddDashboard();
        }
    }

    /// <summary>Puts its pages where they belong.</summary>
    public static void Map(WebApplication app, DashboardConfig config)
    {
        if (config.Url is not { Port: var port })
        {
            return;
        }

        app.MapOrleansDashboard().RequireHost($"*:{port}");
        app.Use(next => context =>
        {
            if (context.Connection.LocalPort == port && context.GetEndpoint()?.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.IHostMetadata>() is null)
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            return next(context);
        });
    }
}
